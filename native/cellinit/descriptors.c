#define _GNU_SOURCE
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure.h"

enum { NR_CLOSE_RANGE = 436 };

void fill_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    if (open("/dev/null", O_RDWR) != descriptor) cannot("open", "/dev/null");
  }
}

static void close_between(unsigned first, unsigned last) {
  if (first <= last && syscall(NR_CLOSE_RANGE, first, last, 0U) != 0)
    cannot_number("close descriptors from", first, errno);
}

static void sort(int *numbers, size_t count) {
  for (size_t i = 1; i < count; i++) {
    for (size_t at = i; at > 0 && numbers[at - 1] > numbers[at]; at--) {
      int other = numbers[at];
      numbers[at] = numbers[at - 1];
      numbers[at - 1] = other;
    }
  }
}

void close_all_but(int *kept, size_t count) {
  unsigned first = STDERR_FILENO + 1;
  sort(kept, count);
  for (size_t i = 0; i < count; i++) {
    if (kept[i] < (int)first) continue;
    close_between(first, (unsigned)kept[i] - 1);
    first = (unsigned)kept[i] + 1;
  }
  close_between(first, UINT_MAX);
}

void close_on_exec(int descriptor, const char *name) {
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) cannot("use descriptor of argument", name);
}
