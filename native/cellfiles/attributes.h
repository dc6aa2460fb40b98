/* Owner, bits, time and extended attributes. A descriptor here may have been opened with O_PATH. */
#ifndef CELLFILES_ATTRIBUTES_H
#define CELLFILES_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "frames.h"

enum { MAX_NAMES = 65536, MAX_VALUE = 65536 };

struct as {
  mode_t mode;
  uid_t uid;
  gid_t gid;
  struct timespec mtime;
};

/* Seconds and nanoseconds. */
struct timespec take_time(struct reader *reader);

void take_as(struct reader *reader, struct as *as);

/* Names of extended attributes, each with its NUL; 0 where there can be none, -1 with errno. */
ssize_t list_names(int descriptor, char names[MAX_NAMES]);
ssize_t get_value(int descriptor, const char *name, void *value, size_t size);

/* Whether an attribute belongs to the file and not to the layer that it lies in, or to the right to do harm. */
bool is_copied(const char *name);

/* `from` is -1 where extended attributes stay as they are. Set-id bits are never given. */
int give_attributes(int to, const struct as *as, int from, struct answers *answers);

#endif
