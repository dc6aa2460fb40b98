#define _GNU_SOURCE
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void add_byte(struct text *text, char byte) {
  if (text->length < sizeof text->bytes) text->bytes[text->length++] = byte;
}

void add(struct text *text, const char *string) {
  while (*string != '\0') add_byte(text, *string++);
}

void add_number(struct text *text, unsigned long number) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) add_byte(text, digits[--count]);
}

/* Kept free behind a value, so that the description of the error always fits. */
enum { ROOM_FOR_DESCRIPTION = 256 };

/* A value that comes from outside: control characters and quotes are spelled out, so that one line stays one line. */
void add_quoted(struct text *text, const char *value) {
  static const char hex[] = "0123456789abcdef";
  add_byte(text, '"');
  for (; *value != '\0'; value++) {
    unsigned char byte = (unsigned char)*value;
    if (text->length + ROOM_FOR_DESCRIPTION > sizeof text->bytes) {
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

void print(int descriptor, const struct text *text) {
  size_t done = 0;
  while (done < text->length) {
    ssize_t wrote = write(descriptor, text->bytes + done, text->length - done);
    if (wrote > 0) done += (size_t)wrote;
    else if (wrote == 0 || errno != EINTR) return; /* nobody is left to be told */
  }
}

#define NAMED(code) {code, #code}

void add_error_name(struct text *text, int error) {
  static const struct {
    int code;
    const char *name;
  } names[] = {
      NAMED(E2BIG), NAMED(EACCES), NAMED(EADDRINUSE), NAMED(EADDRNOTAVAIL), NAMED(EAFNOSUPPORT),
      NAMED(EAGAIN), NAMED(EBADF), NAMED(EBUSY), NAMED(ECHILD), NAMED(ECONNREFUSED), NAMED(ECONNRESET),
      NAMED(EDQUOT), NAMED(EEXIST), NAMED(EFAULT), NAMED(EINTR), NAMED(EINVAL), NAMED(EIO), NAMED(EISDIR),
      NAMED(ELOOP), NAMED(EMFILE), NAMED(EMLINK), NAMED(EMSGSIZE), NAMED(ENAMETOOLONG), NAMED(ENETDOWN),
      NAMED(ENFILE), NAMED(ENOBUFS), NAMED(ENODEV), NAMED(ENOENT), NAMED(ENOEXEC), NAMED(ENOLCK),
      NAMED(ENOMEM), NAMED(ENOSPC), NAMED(ENOSYS), NAMED(ENOTDIR), NAMED(ENOTTY), NAMED(ENXIO),
      NAMED(EOPNOTSUPP), NAMED(EOVERFLOW), NAMED(EPERM), NAMED(EPIPE), NAMED(EPROTO), NAMED(ERANGE),
      NAMED(EROFS), NAMED(ESRCH), NAMED(ESTALE), NAMED(ETXTBSY), NAMED(EUSERS), NAMED(EXDEV),
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].code == error) {
      add(text, names[i].name);
      return;
    }
  }
  add_number(text, (unsigned long)error);
}

_Noreturn void fail(int code, const char *step, const char *value, int error) {
  struct text line = {.length = 0};
  add(&line, program_name);
  add(&line, ": ");
  add(&line, step);
  add(&line, " ");
  add_quoted(&line, value);
  add(&line, ": ");
  add(&line, strerror(error));
  add(&line, " (errno ");
  add_error_name(&line, error);
  add(&line, ")\n");
  print(STDERR_FILENO, &line);
  exit(code);
}

_Noreturn void cannot(const char *step, const char *value) { fail(EXIT_CANNOT, step, value, errno); }

_Noreturn void misuse(const char *step, const char *value) { fail(EXIT_CANNOT, step, value, EINVAL); }

_Noreturn void cannot_number(const char *step, unsigned long value, int error) {
  struct text number = {.length = 0};
  add_number(&number, value);
  add_byte(&number, '\0');
  fail(EXIT_CANNOT, step, number.bytes, error);
}
