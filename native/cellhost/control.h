/*
 * The control socket's end on the host. After go the other end is hostile: messages are of a fixed size and number of
 * descriptors, their sender is what the kernel says, and whatever does not fit is dropped with all it brought.
 */
#ifndef CELLHOST_CONTROL_H
#define CELLHOST_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../protocol.h"

enum { MAX_BROUGHT = 2 };

union message {
  uint8_t say;
  struct say_sealed sealed;
  struct say_listen listen;
  struct say_terminal terminal;
  struct say_failed failed;
  struct say_ended ended;
};

struct received {
  union message message;
  size_t length;
  pid_t sender; /* as the host numbers it */
  int descriptors[MAX_BROUGHT];
  size_t descriptors_count;
};

enum reception { NOTHING_RECEIVED, MESSAGE_RECEIVED, MESSAGE_DROPPED, CONTROL_ENDED };

/* Two ends: `ends[0]` the host's, `ends[1]` the cell's. */
void open_control(int ends[2]);

/* Does not wait. What was received and dropped has left no descriptor behind; others belong to the caller. */
enum reception receive(int socket, struct received *received);
void close_received(struct received *received);

bool send_go(int socket);

/* A message with descriptors, at most three; does not wait. */
bool send_with(int socket, const void *bytes, size_t length, const int *descriptors, size_t count);

#endif
