/* Text without stdio, and the one line on which a program says why it failed. */
#ifndef CELLHOST_TEXT_H
#define CELLHOST_TEXT_H

#include <stddef.h>

enum { EXIT_NOT_IN_TIME = 75, EXIT_CANNOT_MERGE = 121, EXIT_CANNOT_IDMAP = 122, EXIT_SOURCE_GONE = 123, EXIT_CANNOT = 125 };

/* What that line begins with; each program that has it has one. */
extern const char program_name[];

/* A bounded text: what does not fit is cut off, never written past the end. */
struct text {
  char bytes[4608];
  size_t length;
};

void add_byte(struct text *text, char byte);
void add(struct text *text, const char *string);
void add_number(struct text *text, unsigned long number);
void add_quoted(struct text *text, const char *value);
void add_error_name(struct text *text, int error);
void print(int descriptor, const struct text *text);

_Noreturn void fail(int code, const char *step, const char *value, int error);
_Noreturn void cannot(const char *step, const char *value);
_Noreturn void misuse(const char *step, const char *value);
_Noreturn void cannot_number(const char *step, unsigned long value, int error);

#endif
