/* What bwrap, the shell and cellinit complain of on their stderr: told line by line, within bounds. */
#ifndef CELLHOST_COMPLAINTS_H
#define CELLHOST_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "channel.h"

enum { MAX_LINE = 4096, MAX_LINES = 200, ROOM_FOR_LINE = MAX_LINE * 6 + 64 };

struct complaints {
  int descriptor; /* the pipe's end, -1: at its end */
  char line[MAX_LINE];
  size_t length;
  size_t told;
};

/* Whether a line could be told now: otherwise the pipe is left full, and who complains waits. */
bool may_read_complaints(const struct complaints *complaints, const struct channel *channel);

/* Reads once, without waiting; false when there was nothing. */
bool read_complaints(struct complaints *complaints, struct channel *channel);

/* A line of our own. */
void complain(struct complaints *complaints, struct channel *channel, const char *text);

#endif
