#define _GNU_SOURCE
#include "arguments.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

/* Decimal digits and nothing else: no sign, no space, no other base. */
unsigned long number_between(const char *step, const char *word, unsigned long least, unsigned long most) {
  unsigned long number = 0;
  if (*word == '\0') misuse(step, word);
  for (const char *at = word; *at != '\0'; at++) {
    if (*at < '0' || *at > '9') misuse(step, word);
    unsigned long digit = (unsigned long)(*at - '0');
    if (digit > most || number > (most - digit) / 10) fail(EXIT_CANNOT, step, word, ERANGE);
    number = number * 10 + digit;
  }
  if (number < least) fail(EXIT_CANNOT, step, word, ERANGE);
  return number;
}

char *take(char ***rest, const char *flag) {
  if (**rest == NULL) misuse("missing value after argument", flag);
  return *(*rest)++;
}

const char *take_absolute(char ***rest, const char *flag) {
  const char *path = take(rest, flag);
  if (path[0] != '/') misuse("not an absolute path, argument", path);
  return path;
}

/* (uid_t)-1 means "unchanged" to the kernel, so it is nobody's identity. */
enum { MAX_ID_BELOW = 1 };
unsigned long take_id(char ***rest, const char *flag, unsigned long least) {
  return number_between("not a usable identity, argument", take(rest, flag), least, UINT32_MAX - MAX_ID_BELOW);
}

int take_descriptor(char ***rest, const char *flag) {
  return (int)number_between("not a descriptor, argument", take(rest, flag), 0, INT_MAX - 1);
}

static bool is_name(const char *word, size_t length) {
  return length > 0 && length <= NAME_MAX && (word[0] != '.' || (length > 1 && (word[1] != '.' || length > 2)));
}

static char *check_names(char *word, bool one, const char *step) {
  for (char *at = word;; at++) {
    size_t length = strcspn(at, "/");
    if (!is_name(at, length) || (one && at[length] != '\0')) misuse(step, word);
    at += length;
    if (*at == '\0') return word;
  }
}

const char *take_name(char ***rest, const char *flag) {
  return check_names(take(rest, flag), true, "not a name of one component, argument");
}

char *take_place(char ***rest, const char *flag) {
  return check_names(take(rest, flag), false, "not a place below the scratch folder, argument");
}
