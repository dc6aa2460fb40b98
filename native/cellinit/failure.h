/* Every way out of cellinit on which the command does not run. */
#ifndef CELLINIT_FAILURE_H
#define CELLINIT_FAILURE_H

enum { EXIT_UNSEALED = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* From now on failures are said on this control socket; before, and when it does not take them, on stderr. */
void say_failures_on(int control);

/* From now on `*mark` is set to 1 by a failure: memory that init shares with the process it forks. */
void mark_failures_in(volatile unsigned char *mark);

_Noreturn void fail(int code, const char *step, const char *value, int error);

/* The last call failed: nothing is sealed, so nothing runs. */
_Noreturn void cannot(const char *step, const char *value);

_Noreturn void cannot_number(const char *step, unsigned long value, int error);

/* What was asked for makes no sense. */
_Noreturn void misuse(const char *step, const char *value);

#endif
