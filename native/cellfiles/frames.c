#define _GNU_SOURCE
#include "frames.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../cellhost/text.h"

enum { HEAD = 5 };

static void write_out(struct answers *answers) {
  size_t done = 0;
  while (done < answers->length) {
    ssize_t wrote = write(STDOUT_FILENO, answers->bytes + done, answers->length - done);
    if (wrote >= 0) done += (size_t)wrote;
    else if (errno == EPIPE) _exit(EXIT_CANNOT);
    else if (errno != EINTR) cannot("write answer", "stdout");
  }
  answers->length = answers->complete = 0;
}

_Noreturn void malformed(const struct reader *reader, const char *what) {
  reader->answers->length = reader->answers->complete;
  write_out(reader->answers);
  fail(EXIT_CANNOT, "read request", what, EPROTO);
}

/* More of the input; false at its end. */
static bool fill(struct requests *requests, struct answers *answers) {
  write_out(answers);
  memmove(requests->bytes, requests->bytes + requests->start, requests->end - requests->start);
  requests->end -= requests->start;
  requests->start = 0;
  for (;;) {
    ssize_t got = read(STDIN_FILENO, requests->bytes + requests->end, sizeof requests->bytes - requests->end);
    if (got > 0) requests->end += (size_t)got;
    if (got >= 0) return got > 0;
    if (errno != EINTR) cannot("read request", "stdin");
  }
}

bool next_request(struct requests *requests, struct answers *answers, struct reader *request) {
  request->answers = answers;
  for (;;) {
    size_t there = requests->end - requests->start;
    uint32_t length = 0;
    if (there >= sizeof length) {
      memcpy(&length, requests->bytes + requests->start, sizeof length);
      if (length > MAX_REQUEST) malformed(request, "too long");
      if (there - sizeof length >= length) break;
    }
    if (fill(requests, answers)) continue;
    if (there > 0) malformed(request, "cut off");
    return false;
  }
  uint32_t length;
  memcpy(&length, requests->bytes + requests->start, sizeof length);
  request->at = requests->bytes + requests->start + sizeof length;
  request->end = request->at + length;
  requests->start += sizeof length + length;
  return true;
}

static uint8_t *take(struct reader *reader, size_t length) {
  if ((size_t)(reader->end - reader->at) < length) malformed(reader, "too short");
  uint8_t *taken = reader->at;
  reader->at += length;
  return taken;
}

#define TAKE(name, type)             \
  type name(struct reader *reader) { \
    type number;                     \
    memcpy(&number, take(reader, sizeof number), sizeof number); \
    return number;                   \
  }
TAKE(take_u8, uint8_t)
TAKE(take_u16, uint16_t)
TAKE(take_u32, uint32_t)
TAKE(take_u64, uint64_t)

char *take_text(struct reader *reader, size_t *length) {
  *length = take_u16(reader);
  char *text = (char *)take(reader, *length + 1);
  if (strnlen(text, *length + 1) != *length) malformed(reader, "a text with or without its NUL");
  return text;
}

char *take_name(struct reader *reader) {
  size_t length;
  char *name = take_text(reader, &length);
  bool leads_away = length == 0 || memchr(name, '/', length) != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
  if (leads_away) malformed(reader, "not a name");
  return name;
}

void take_end(const struct reader *reader) {
  if (reader->at != reader->end) malformed(reader, "too many fields");
}

static void begin_frame(struct answers *answers) {
  if (answers->length + HEAD > sizeof answers->bytes) write_out(answers);
  answers->frame = answers->length;
  answers->length += HEAD;
}

void begin_answer(struct answers *answers) {
  answers->parted = false;
  begin_frame(answers);
}

void start_answer_again(struct answers *answers) { answers->length = answers->frame + HEAD; }

void finish_answer(struct answers *answers, uint8_t kind) {
  uint32_t length = (uint32_t)(answers->length - answers->frame - sizeof length);
  memcpy(answers->bytes + answers->frame, &length, sizeof length);
  answers->bytes[answers->frame + sizeof length] = kind;
  answers->complete = answers->length;
}

uint8_t *make_room(struct answers *answers, size_t length) {
  if (answers->length + length > sizeof answers->bytes) {
    finish_answer(answers, ANSWER_MORE);
    write_out(answers);
    answers->parted = true;
    begin_frame(answers);
  }
  return answers->bytes + answers->length;
}

void took(struct answers *answers, size_t length) { answers->length += length; }

void put(struct answers *answers, const void *bytes, size_t length) {
  memcpy(make_room(answers, length), bytes, length);
  took(answers, length);
}

void put_u8(struct answers *answers, uint8_t number) { put(answers, &number, sizeof number); }
void put_u16(struct answers *answers, uint16_t number) { put(answers, &number, sizeof number); }
void put_u32(struct answers *answers, uint32_t number) { put(answers, &number, sizeof number); }
void put_u64(struct answers *answers, uint64_t number) { put(answers, &number, sizeof number); }

void put_text(struct answers *answers, const char *text, size_t length) {
  put_u16(answers, (uint16_t)length);
  put(answers, text, length);
  put_u8(answers, 0);
}

int failed_by(struct answers *answers, const char *step, int error) {
  answers->step = step;
  return error;
}

int failed(struct answers *answers, const char *step) { return failed_by(answers, step, errno); }

void refuse(struct answers *answers, int error) {
  start_answer_again(answers);
  put_u32(answers, (uint32_t)error);
  put(answers, answers->step, strlen(answers->step));
  finish_answer(answers, ANSWER_ERROR);
}
