#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"
#include "roots.h"

enum { PIECE = 64 * 1024 };

/* A regular file, for reading; -1 with errno. */
static int open_file(const struct place *place, struct stat *status) {
  int descriptor = open_place(place, status);
  if (descriptor < 0) return -1;
  int content = open_content(descriptor, status);
  int error = errno;
  close(descriptor);
  errno = error;
  return content;
}

static int put_bytes(struct answers *answers, int file, off_t offset, size_t length) {
  while (length > 0) {
    size_t piece = length < PIECE ? length : PIECE;
    ssize_t got = pread(file, make_room(answers, piece), piece, offset);
    if (got == 0) return 0;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(answers, "read");
    took(answers, (size_t)got);
    offset += got;
    length -= (size_t)got;
  }
  return 0;
}

int read_file(struct reader *request, struct answers *answers) {
  struct place place;
  struct stat status;
  take_place(request, &place);
  uint64_t offset = take_u64(request);
  uint32_t length = take_u32(request);
  take_end(request);
  if (length > MAX_READ || offset > INT64_MAX - MAX_READ) return failed_by(answers, "read", EINVAL);
  int file = open_file(&place, &status);
  if (file < 0) return failed(answers, "open");
  int error = put_bytes(answers, file, (off_t)offset, length);
  close(file);
  return error;
}

/* As many bytes as there are, up to a piece's; -1 with errno. */
static ssize_t read_piece(int file, uint8_t piece[PIECE], off_t offset) {
  size_t done = 0;
  while (done < PIECE) {
    ssize_t got = pread(file, piece + done, PIECE - done, offset + (off_t)done);
    if (got == 0) break;
    if (got > 0) done += (size_t)got;
    else if (errno != EINTR) return -1;
  }
  return (ssize_t)done;
}

/* Where data comes next; without any more the end, and where nobody knows of holes here. */
static off_t next_data(int file, off_t offset, off_t end) {
  off_t data = lseek(file, offset, SEEK_DATA);
  if (data >= 0) return data;
  return errno == ENXIO ? end : offset;
}

/* -1 with errno. What is a hole in both is the same without being read. */
static int is_same(int one, int other, off_t size) {
  static uint8_t pieces[2][PIECE];
  for (off_t offset = 0; offset < size; offset += PIECE) {
    off_t first = next_data(one, offset, size), second = next_data(other, offset, size);
    offset = first < second ? first : second;
    ssize_t got = read_piece(one, pieces[0], offset);
    ssize_t others = read_piece(other, pieces[1], offset);
    if (got < 0 || others < 0) return -1;
    if (got != others || memcmp(pieces[0], pieces[1], (size_t)got) != 0) return 0;
  }
  return 1;
}

int compare_files(struct reader *request, struct answers *answers) {
  struct place places[2];
  struct stat status[2];
  take_place(request, &places[0]);
  take_place(request, &places[1]);
  take_end(request);
  int one = open_file(&places[0], &status[0]);
  if (one < 0) return failed(answers, "open the first");
  int other = open_file(&places[1], &status[1]);
  int error = other < 0 ? failed(answers, "open the second") : 0;
  int same = error == 0 && status[0].st_size == status[1].st_size;
  bool one_file = same && status[0].st_dev == status[1].st_dev && status[0].st_ino == status[1].st_ino;
  if (same && !one_file) same = is_same(one, other, status[0].st_size);
  if (same < 0) error = failed(answers, "read");
  if (error == 0) put_u8(answers, (uint8_t)same);
  close(one);
  if (other >= 0) close(other);
  return error;
}
