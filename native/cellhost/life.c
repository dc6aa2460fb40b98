#define _GNU_SOURCE
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "text.h"

void check_parent(pid_t parent) {
  if (getppid() != parent) cannot_number("parent is gone", (unsigned long)parent, ESRCH);
}

/*
 * The parent may die before the signal is armed, and nothing would come then: hence the look at who the parent is
 * after it, never before.
 */
void die_with_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) cannot("arm the parent's death", "PR_SET_PDEATHSIG");
  check_parent(parent);
}

/* A closed 0, 1 or 2 would be taken by the first thing opened here, and handed to the program as its own. */
void fill_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    if (open("/dev/null", O_RDWR) != descriptor) cannot("open", "/dev/null");
  }
}

/*
 * Early, so that a number which is not open cannot be taken by one of our own descriptors and be kept by mistake.
 * Close-on-exec needs no clearing: what has come through one exec goes through the next.
 */
void check_kept(const struct kept *kept) {
  for (size_t i = 0; i < kept->count; i++)
    if (fcntl(kept->descriptors[i], F_GETFD) < 0)
      cannot_number("keep descriptor", (unsigned long)kept->descriptors[i], errno);
}

static void refuse_folder(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode))
    cannot_number("hand on a folder as descriptor", (unsigned long)descriptor, EISDIR);
}

void refuse_folders(const struct kept *kept) {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) refuse_folder(descriptor);
  for (size_t i = 0; i < kept->count; i++) refuse_folder(kept->descriptors[i]);
}

static void close_between(unsigned first, unsigned last) {
  if (first <= last && syscall(NR_CLOSE_RANGE, first, last, 0U) != 0)
    cannot_number("close descriptors from", first, errno);
}

void close_all_but(const struct kept *kept) {
  unsigned first = STDERR_FILENO + 1;
  for (size_t i = 0; i < kept->count; i++) {
    unsigned next = (unsigned)kept->descriptors[i];
    if (next < first) continue;
    close_between(first, next - 1);
    first = next + 1;
  }
  close_between(first, UINT_MAX);
}

void keep(struct kept *kept, int descriptor, const char *flag) {
  size_t at = 0;
  while (at < kept->count && kept->descriptors[at] < descriptor) at++;
  if (at < kept->count && kept->descriptors[at] == descriptor) return;
  if (kept->count == MAX_KEPT) fail(EXIT_CANNOT, "too many descriptors, argument", flag, E2BIG);
  memmove(&kept->descriptors[at + 1], &kept->descriptors[at], (kept->count - at) * sizeof kept->descriptors[0]);
  kept->descriptors[at] = descriptor;
  kept->count++;
}
