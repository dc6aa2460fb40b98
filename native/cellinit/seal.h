/* The way from a process of bwrap's to the command. */
#ifndef CELLINIT_SEAL_H
#define CELLINIT_SEAL_H

#include "filter.h"
#include "request.h"

/* Seals this process, waits for go and becomes the command. */
_Noreturn void seal_and_execute(const struct request *request, const struct filter *filter);

#endif
