#define _GNU_SOURCE
#include "filter.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure.h"

#define SET_FILTER 1U
#define NEW_LISTENER (1UL << 3)

struct program {
  unsigned short count;
  const struct instruction *instructions;
};

void read_filter(struct filter *filter, int descriptor) {
  char *to = (char *)filter->instructions;
  size_t length = 0;
  for (;;) {
    ssize_t got = read(descriptor, to + length, sizeof filter->instructions - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) cannot("read the filter from", "--filter-fd");
    if (got == 0) break;
    length += (size_t)got;
    /* Full: whether it ends just here is not worth a second look, for no filter of ours comes near. */
    if (length == sizeof filter->instructions) fail(EXIT_UNSEALED, "too long a filter on", "--filter-fd", E2BIG);
  }
  if (length == 0 || length % sizeof filter->instructions[0] != 0)
    misuse("not whole instructions of a filter on", "--filter-fd");
  filter->count = (unsigned short)(length / sizeof filter->instructions[0]);
}

int install_filter(const struct filter *filter) {
  struct program program = {filter->count, filter->instructions};
  long listener = syscall(SYS_seccomp, SET_FILTER, NEW_LISTENER, &program);
  if (listener < 0) cannot("install the filter by", "seccomp");
  return (int)listener;
}
