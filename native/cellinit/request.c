#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "failure.h"

/* Decimal digits and nothing else: no sign, no space, no other base. */
static unsigned long number_between(const char *step, const char *word, unsigned long least, unsigned long most) {
  unsigned long number = 0;
  if (*word == '\0') misuse(step, word);
  for (const char *at = word; *at != '\0'; at++) {
    if (*at < '0' || *at > '9') misuse(step, word);
    unsigned long digit = (unsigned long)(*at - '0');
    if (number > (most - digit) / 10) fail(EXIT_UNSEALED, step, word, ERANGE);
    number = number * 10 + digit;
  }
  if (number < least) fail(EXIT_UNSEALED, step, word, ERANGE);
  return number;
}

static char *take(char ***rest, const char *flag) {
  if (**rest == NULL) misuse("missing value after argument", flag);
  return *(*rest)++;
}

/* 0 to 2 are the command's own. */
static int take_descriptor(char ***rest, const char *flag) {
  return (int)number_between("not a descriptor above 2, argument", take(rest, flag), 3, INT_MAX - 1);
}

static void take_path(struct request *request, char ***rest, const char *flag, bool writable) {
  const char *path = take(rest, flag);
  if (path[0] != '/') misuse("not an absolute path, argument", path);
  if (request->path_count == MAX_PATHS) fail(EXIT_UNSEALED, "too many paths, argument", flag, E2BIG);
  request->paths[request->path_count++] = (struct landlock_path){path, writable};
}

static void take_landlock(struct request *request, enum landlock_need need, const char *flag) {
  if (request->landlock != LANDLOCK_UNSAID && request->landlock != need) misuse("contradicting argument", flag);
  request->landlock = need;
}

static void take_limit(struct request *request, char ***rest, const char *flag) {
  static const struct {
    const char *name;
    int resource;
  } known[] = {
      {"nproc", RLIMIT_NPROC}, {"nofile", RLIMIT_NOFILE}, {"core", RLIMIT_CORE}, {"fsize", RLIMIT_FSIZE},
  };
  const char *word = take(rest, flag);
  const char *equals = strchr(word, '=');
  if (equals == NULL) misuse("not a limit (NAME=VALUE), argument", word);
  size_t length = (size_t)(equals - word);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strlen(known[i].name) != length || memcmp(known[i].name, word, length) != 0) continue;
    for (size_t j = 0; j < request->limit_count; j++)
      if (request->limits[j].resource == known[i].resource) misuse("limit given twice, argument", word);
    rlim_t most = number_between("not the value of a limit, argument", equals + 1, 0, LONG_MAX);
    request->limits[request->limit_count++] = (struct limit){known[i].name, known[i].resource, most};
    return;
  }
  misuse("not a limit's name (nproc, nofile, core, fsize), argument", word);
}

static void check(const struct request *request) {
  if (request->control < 0) misuse("missing argument", "--control-fd");
  if (request->filter < 0) misuse("missing argument", "--filter-fd");
  if (request->landlock == LANDLOCK_UNSAID) misuse("missing argument", "--landlock-required");
  if (request->control == request->filter || request->control == request->command_stderr ||
      request->filter == request->command_stderr)
    misuse("two uses of one descriptor, argument", "--control-fd, --filter-fd, --stderr-fd");
  if (request->terminal && request->command_stderr >= 0) misuse("not with --terminal, argument", "--stderr-fd");
  if (request->command[0] == NULL) misuse("missing command after argument", "--");
}

void read_request(struct request *request, char **rest) {
  request->control = request->filter = request->command_stderr = request->report = -1;
  for (int i = 0; i < 3; i++) request->streams[i] = -1;
  for (;;) {
    const char *flag = take(&rest, "cellinit");
    if (strcmp(flag, "--") == 0) break;
    if (strcmp(flag, "--control-fd") == 0) request->control = take_descriptor(&rest, flag);
    else if (strcmp(flag, "--filter-fd") == 0) request->filter = take_descriptor(&rest, flag);
    else if (strcmp(flag, "--stderr-fd") == 0) request->command_stderr = take_descriptor(&rest, flag);
    else if (strcmp(flag, "--landlock-read") == 0) take_path(request, &rest, flag, false);
    else if (strcmp(flag, "--landlock-write") == 0) take_path(request, &rest, flag, true);
    else if (strcmp(flag, "--landlock-required") == 0) take_landlock(request, LANDLOCK_REQUIRED, flag);
    else if (strcmp(flag, "--landlock-optional") == 0) take_landlock(request, LANDLOCK_OPTIONAL, flag);
    else if (strcmp(flag, "--rlimit") == 0) take_limit(request, &rest, flag);
    else if (strcmp(flag, "--uid-check") == 0) request->check_ids = true;
    else if (strcmp(flag, "--terminal") == 0) request->terminal = true;
    else misuse("unknown argument", flag);
  }
  request->command = rest;
  check(request);
}
