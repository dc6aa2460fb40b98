#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "entry.h"
#include "operations.h"
#include "roots.h"

/* As the kernel writes it. */
struct listed {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* One that went since the folder was read is none. */
static int put_listed(struct answers *answers, int folder, const char *name, bool whiteouts) {
  struct stat status;
  int descriptor = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT ? 0 : failed(answers, "look at an entry of");
  int error = 0;
  if (fstat(descriptor, &status) != 0) error = failed(answers, "look at an entry of");
  if (error == 0) {
    put_text(answers, name, strlen(name));
    error = put_entry(answers, descriptor, &status, whiteouts);
  }
  close(descriptor);
  return error;
}

static int put_folder(struct answers *answers, int folder) {
  static char buffer[65536] __attribute__((aligned(8)));
  bool whiteouts = overlay_mark(folder, "opaque") == 'x';
  for (;;) {
    long got = syscall(SYS_getdents64, folder, buffer, sizeof buffer);
    if (got < 0) return failed(answers, "read folder");
    if (got == 0) return 0;
    for (long at = 0; at < got;) {
      const struct listed *listed = (const struct listed *)(buffer + at);
      int error = is_dots(listed->name) ? 0 : put_listed(answers, folder, listed->name, whiteouts);
      if (error != 0) return error;
      at += listed->length;
    }
  }
}

/* One folder, not what is below it: whoever asks asks again for those, and no descriptor stays open between. */
int list_folder(struct reader *request, struct answers *answers) {
  struct place place;
  take_place(request, &place);
  take_end(request);
  int folder = open_folder(&place);
  if (folder < 0) return failed(answers, "open folder");
  int error = put_folder(answers, folder);
  close(folder);
  return error;
}

/* All are read before the first is looked at: what is malformed is answered with nothing. */
static void check_names(struct reader names) {
  while (names.at < names.end) take_name(&names);
}

int look_at_names(struct reader *request, struct answers *answers) {
  struct place place;
  struct stat status;
  take_place(request, &place);
  check_names(*request);
  int folder = open_place(&place, &status);
  if (folder < 0) return failed(answers, "open folder");
  int error = 0;
  while (error == 0 && request->at < request->end) error = put_listed(answers, folder, take_name(request), false);
  close(folder);
  return error;
}
