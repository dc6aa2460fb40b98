#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "life.h"
#include "text.h"

static volatile sig_atomic_t time_is_up;

static void on_alarm(int number) {
  (void)number;
  time_is_up = 1;
}

/* The alarm repeats: the first may fall between the look at the flag and the wait, and would be lost there. */
static void arm_alarm(unsigned long milliseconds) {
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval timer = {
      .it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000)},
      .it_interval = {.tv_usec = 10000},
  };
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  if (sigaction(SIGALRM, &action, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &alarm_only, NULL) != 0 ||
      setitimer(ITIMER_REAL, &timer, NULL) != 0)
    cannot("set alarm", "setitimer");
}

/* The lock belongs to the open file, which the caller shares with us and keeps; our own end does not give it back. */
int lock(char **arguments) {
  const char *word = take(&arguments, "lock");
  int descriptor = (int)number_between("not a descriptor, argument", word, 0, INT_MAX - 1);
  int operation = LOCK_EX;
  if (*arguments != NULL) {
    unsigned long limit = number_between("not a time in ms, argument", *arguments++, 0, 86400000);
    if (limit == 0) operation |= LOCK_NB;
    else arm_alarm(limit);
  }
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  /* Without its caller a waiter waits for nobody. */
  die_with_parent(getppid());
  while (flock(descriptor, operation) != 0) {
    if (errno == EWOULDBLOCK || (errno == EINTR && time_is_up)) fail(EXIT_NOT_IN_TIME, "lock", word, EAGAIN);
    if (errno != EINTR) cannot("lock", word);
  }
  return 0;
}
