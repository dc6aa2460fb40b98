#define _GNU_SOURCE
#include "cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "arguments.h"
#include "text.h"

/* A number of at most four digits, and past it. */
static bool read_number(const char **text, unsigned *number) {
  const char *start = *text;
  for (*number = 0; **text >= '0' && **text <= '9' && *text - start < 4; (*text)++)
    *number = *number * 10 + (unsigned)(**text - '0');
  return *text != start && *number < CPU_SETSIZE;
}

/* One `3` or `3-5`; false when it is neither, or not above what came before. */
static bool read_range(const char **text, unsigned least, unsigned *last, cpu_set_t *set) {
  unsigned first;
  if (!read_number(text, &first) || first < least) return false;
  *last = first;
  if (**text == '-') {
    (*text)++;
    if (!read_number(text, last) || *last <= first) return false;
  }
  for (unsigned cpu = first; cpu <= *last; cpu++) CPU_SET(cpu, set);
  return true;
}

void take_cpus(cpu_set_t *set, char ***rest, const char *flag) {
  const char *list = take(rest, flag), *text = list;
  unsigned least = 0, last = 0;
  CPU_ZERO(set);
  for (;;) {
    if (!read_range(&text, least, &last, set)) fail(EXIT_CANNOT, "not a list of CPUs, argument", list, EINVAL);
    if (*text == '\0') return;
    if (*text++ != ',') fail(EXIT_CANNOT, "not a list of CPUs, argument", list, EINVAL);
    least = last + 1;
  }
}

void hold_to_cpus(const cpu_set_t *set) {
  if (CPU_COUNT(set) == 0) return;
  if (sched_setaffinity(0, sizeof *set, set) != 0) cannot("hold to CPUs", "sched_setaffinity");
}
