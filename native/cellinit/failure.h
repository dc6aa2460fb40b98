/* Every way out of cellinit on which the command does not run. */
#ifndef CELLINIT_FAILURE_H
#define CELLINIT_FAILURE_H

enum { EXIT_UNSEALED = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

#include <stdint.h>

/* From now on failures are said on this control socket; before, and when it does not take them, on stderr. */
void say_failures_on(int control);

/* In a process of init's: it speaks for command `id`, and tells init by a byte on `report` that it has failed. */
void report_failures(int report, uint32_t id);

/* Says that command `id` could not be started, and returns. */
void say_failed(uint32_t id, const char *step, const char *value, int error);

_Noreturn void fail(int code, const char *step, const char *value, int error);

/* The last call failed: nothing is sealed, so nothing runs. */
_Noreturn void cannot(const char *step, const char *value);

_Noreturn void cannot_number(const char *step, unsigned long value, int error);

/* What was asked for makes no sense. */
_Noreturn void misuse(const char *step, const char *value);

#endif
