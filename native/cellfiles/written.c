#define _GNU_SOURCE
#include "written.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations.h"
#include "roots.h"

enum { MAX_WRITTEN = 32 };

static struct {
  struct {
    dev_t device;
    int descriptor;
  } systems[MAX_WRITTEN];
  size_t count;
  bool elsewhere; /* there was no room, or no way: the machine's disks are synced, all of them */
} written;

/* By O_PATH nothing can be synced. A file is opened by its content, and nothing else is opened at all. */
static int open_for_sync(int place, mode_t mode) {
  struct stat status = {.st_mode = mode};
  return S_ISDIR(mode) ? openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open_content(place, &status);
}

void note_written(int place) {
  struct stat status;
  if (written.elsewhere) return;
  bool looked = fstat(place, &status) == 0;
  for (size_t i = 0; looked && i < written.count; i++)
    if (written.systems[i].device == status.st_dev) return;
  int readable = looked && written.count < MAX_WRITTEN ? open_for_sync(place, status.st_mode) : -1;
  written.elsewhere = readable < 0;
  if (readable < 0) return;
  written.systems[written.count].device = status.st_dev;
  written.systems[written.count++].descriptor = readable;
}

static int sync_written(struct answers *answers) {
  for (size_t i = 0; i < written.count; i++)
    if (syncfs(written.systems[i].descriptor) != 0) return failed(answers, "sync");
  while (written.count > 0) close(written.systems[--written.count].descriptor);
  if (written.elsewhere) sync();
  written.elsewhere = false;
  return 0;
}

/* The root's own file system too, for what others wrote there. */
int sync_root(struct reader *request, struct answers *answers) {
  int root = take_root(request);
  take_end(request);
  int folder = open_for_sync(root, S_IFDIR);
  if (folder < 0) {
    written.elsewhere = true;
    return sync_written(answers);
  }
  int error = syncfs(folder) == 0 ? 0 : failed(answers, "sync");
  close(folder);
  return error != 0 ? error : sync_written(answers);
}
