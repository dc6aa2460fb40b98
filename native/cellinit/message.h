/* Packets on the control socket, whose contents are in ../protocol.h. */
#ifndef CELLINIT_MESSAGE_H
#define CELLINIT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "../protocol.h"

/* False, with errno, when the packet was not taken as a whole. */
bool send_message(int control, const void *bytes, size_t length);

enum { MAX_SENT = 2 };

/* The same with up to MAX_SENT descriptors, which stay open here. */
bool send_descriptors(int control, const void *bytes, size_t length, const int *descriptors, size_t count);

/* Returns when the host has said go. Anything else, its death first of all, ends the process with 125. */
void await_go(int control);

#endif
