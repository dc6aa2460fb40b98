#define _GNU_SOURCE
#include "failure.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

static int said_on = -1;
static int reported_on = -1;
static uint32_t spoken_for;

void say_failures_on(int control) { said_on = control; }

void report_failures(int report, uint32_t id) {
  reported_on = report;
  spoken_for = id;
}

/* A bounded text: what does not fit is cut off, never written past the end. */
struct text {
  char bytes[MAX_STEP];
  size_t length;
};

static void add_byte(struct text *text, char byte) {
  if (text->length < sizeof text->bytes) text->bytes[text->length++] = byte;
}

static void add(struct text *text, const char *string) {
  while (*string != '\0') add_byte(text, *string++);
}

static void add_number(struct text *text, unsigned long number) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) add_byte(text, digits[--count]);
}

enum { ROOM_FOR_THE_END = 8 };

/* A value may come from anywhere: control characters and quotes are spelled out, so that one line stays one line. */
static void add_quoted(struct text *text, const char *value) {
  static const char hex[] = "0123456789abcdef";
  add_byte(text, '"');
  for (; *value != '\0'; value++) {
    unsigned char byte = (unsigned char)*value;
    if (text->length + ROOM_FOR_THE_END > sizeof text->bytes) {
      add(text, "...");
      break;
    }
    if (byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\') {
      add_byte(text, *value);
      continue;
    }
    add(text, "\\x");
    add_byte(text, hex[byte >> 4]);
    add_byte(text, hex[byte & 15]);
  }
  add_byte(text, '"');
}

static void print(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t wrote = write(STDERR_FILENO, bytes, length);
    if (wrote > 0) {
      bytes += wrote;
      length -= (size_t)wrote;
    } else if (wrote == 0 || errno != EINTR) {
      return; /* nobody is left to be told */
    }
  }
}

static void print_line(const struct text *step, int error) {
  struct text end = {.length = 0};
  add(&end, ": ");
  add(&end, strerror(error));
  add(&end, " (errno ");
  add_number(&end, (unsigned long)error);
  add(&end, ")\n");
  print("cellinit: ", strlen("cellinit: "));
  print(step->bytes, step->length);
  print(end.bytes, end.length);
}

static bool send_failure(uint32_t id, int code, const struct text *step, int error) {
  struct say_failed message = {.say = SAY_FAILED, .code = (uint8_t)code, .error = (uint8_t)error, .id = id};
  memcpy(message.step, step->bytes, step->length);
  return said_on >= 0 && send_message(said_on, &message, offsetof(struct say_failed, step) + step->length);
}

static void say(uint32_t id, int code, const char *step, const char *value, int error) {
  struct text text = {.length = 0};
  add(&text, step);
  add(&text, " ");
  add_quoted(&text, value);
  if (!send_failure(id, code, &text, error)) print_line(&text, error);
}

void say_failed(uint32_t id, const char *step, const char *value, int error) {
  say(id, EXIT_UNSEALED, step, value, error);
}

void fail(int code, const char *step, const char *value, int error) {
  say(spoken_for, code, step, value, error);
  /*
   * Last, for init may end upon it, and the kernel then ends us. Init that hears nothing takes the failure for an
   * end, which does no harm.
   */
  if (reported_on >= 0) (void)!write(reported_on, "f", 1);
  _exit(code);
}

void cannot(const char *step, const char *value) { fail(EXIT_UNSEALED, step, value, errno); }

void misuse(const char *step, const char *value) { fail(EXIT_UNSEALED, step, value, EINVAL); }

void cannot_number(const char *step, unsigned long value, int error) {
  struct text number = {.length = 0};
  add_number(&number, value);
  add_byte(&number, '\0');
  fail(EXIT_UNSEALED, step, number.bytes, error);
}
