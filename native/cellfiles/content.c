#define _GNU_SOURCE
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#define CLONE_FILE _IOW(0x94, 9, int)

enum { PIECE = 128 * 1024 };

static ssize_t write_all(int to, const uint8_t *bytes, size_t length, off_t offset) {
  size_t done = 0;
  while (done < length) {
    ssize_t wrote = pwrite(to, bytes + done, length - done, offset + (off_t)done);
    if (wrote < 0 && errno != EINTR) return -1;
    if (wrote > 0) done += (size_t)wrote;
  }
  return (ssize_t)done;
}

/* By hand, from `offset` to `end` or where the file ends before. */
static int carry(int from, int to, off_t offset, off_t end, struct answers *answers) {
  static uint8_t piece[PIECE];
  while (offset < end) {
    off_t left = end - offset;
    ssize_t got = pread(from, piece, left < PIECE ? (size_t)left : PIECE, offset);
    if (got == 0) return 0;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(answers, "read content");
    if (write_all(to, piece, (size_t)got, offset) < 0) return failed(answers, "write content");
    offset += got;
  }
  return 0;
}

/* The kernel's own way, which some pairs of file systems do not have; it may also stop anywhere. */
static int move_range(int from, int to, off_t offset, off_t end, struct answers *answers) {
  off_t source = offset, target = offset;
  while (source < end) {
    ssize_t moved = copy_file_range(from, &source, to, &target, (size_t)(end - source), 0);
    if (moved > 0 || (moved < 0 && errno == EINTR)) continue;
    if (moved < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) return failed(answers, "write content");
    return carry(from, to, source, end, answers);
  }
  return 0;
}

/* Each stretch of data between holes; where nobody knows of holes the whole file is one. */
static int copy_stretches(int from, int to, off_t size, struct answers *answers) {
  for (off_t offset = 0; offset < size;) {
    off_t data = lseek(from, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return 0;
    if (data < 0 && errno != EINVAL) return failed(answers, "find data");
    if (data < 0) data = offset;
    off_t hole = lseek(from, data, SEEK_HOLE);
    if (hole < 0 || hole > size) hole = size;
    int error = data < hole ? move_range(from, to, data, hole, answers) : 0;
    if (error != 0) return error;
    offset = hole;
  }
  return 0;
}

int copy_content(int from, int to, uint64_t size, uint64_t stored, struct answers *answers) {
  if (size == 0) return 0;
  if (size <= PIECE && stored >= size) return carry(from, to, 0, (off_t)size, answers);
  if (ioctl(to, CLONE_FILE, from) == 0) return 0;
  /* First to its length: what is not written stays a hole, also at the end. */
  if (ftruncate(to, (off_t)size) != 0) return failed(answers, "set size");
  return copy_stretches(from, to, (off_t)size, answers);
}
