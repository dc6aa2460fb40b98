#define _GNU_SOURCE
#include "complaints.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void tell(struct complaints *complaints, struct channel *channel, const char *text, size_t length) {
  static const char last[] = "cellhost: further lines are left out";
  if (complaints->told > MAX_LINES || length == 0) return;
  if (complaints->told++ == MAX_LINES) {
    text = last;
    length = sizeof last - 1;
  }
  begin_line(channel, "line");
  add_field(channel, "text", text, length);
  end_line(channel);
}

void complain(struct complaints *complaints, struct channel *channel, const char *text) {
  if (has_room(channel, ROOM_FOR_LINE)) tell(complaints, channel, text, strnlen(text, MAX_LINE));
}

bool may_read_complaints(const struct complaints *complaints, const struct channel *channel) {
  /* A read of MAX_LINE bytes ends at most one long line, and the short ones in it are not longer in all. */
  return complaints->told > MAX_LINES || has_room(channel, 3 * ROOM_FOR_LINE);
}

static void end_of_line(struct complaints *complaints, struct channel *channel) {
  tell(complaints, channel, complaints->line, complaints->length);
  complaints->length = 0;
}

/* A line that is too long is cut: what follows in it is left out. */
static void take_bytes(struct complaints *complaints, struct channel *channel, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] == '\n') end_of_line(complaints, channel);
    else if (complaints->length < MAX_LINE) complaints->line[complaints->length++] = bytes[i];
  }
}

bool read_complaints(struct complaints *complaints, struct channel *channel) {
  char bytes[MAX_LINE];
  ssize_t got = read(complaints->descriptor, bytes, sizeof bytes);
  if (got < 0) return errno == EINTR;
  if (got > 0) {
    take_bytes(complaints, channel, bytes, (size_t)got);
    return true;
  }
  end_of_line(complaints, channel);
  close(complaints->descriptor);
  complaints->descriptor = -1;
  return false;
}
