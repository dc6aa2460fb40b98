#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failure.h"
#include "message.h"
#include "ports.h"
#include "privileges.h"
#include "seal.h"

/* Shared with the process that is to become the command: set when it fails, and has said so itself. */
static volatile unsigned char *share_mark(void) {
  void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) cannot("share memory with", "command");
  return page;
}

static void on_child(int number) { (void)number; }

/*
 * SIGCHLD comes only while we wait, so that none is missed between a look and a wait. What asks a program to end or
 * stop is not for us: the host ends the cell, or the command does.
 */
static void prepare_signals(void) {
  static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1,  SIGUSR2,  SIGTSTP,
                                SIGTTIN, SIGTTOU, SIGURG,  SIGXCPU, SIGIO,   SIGPWR,  SIGVTALRM, SIGPROF};
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  struct sigaction wake = {.sa_handler = on_child};
  sigset_t child_only;
  sigemptyset(&child_only);
  sigaddset(&child_only, SIGCHLD);
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
    if (sigaction(ignored[i], &ignore, NULL) != 0) cannot_number("ignore signal", (unsigned long)ignored[i], errno);
  if (sigaction(SIGCHLD, &wake, NULL) != 0 || sigprocmask(SIG_SETMASK, &child_only, NULL) != 0)
    cannot("wait for signal", "SIGCHLD");
}

/* SECURITY: without us nobody would end the cell. The look at the parent comes after the arming: it may be dead by
 * then, and no signal would come. */
static void die_with(pid_t init) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) cannot("arm init's death by", "PR_SET_PDEATHSIG");
  if (getppid() != init) fail(EXIT_UNSEALED, "start without", "init", ESRCH);
}

static pid_t start_command(const struct request *request, const struct filter *filter,
                           volatile unsigned char *failed) {
  pid_t init = getpid();
  pid_t command = fork();
  if (command < 0) cannot("fork for", "command");
  if (command > 0) return command;
  mark_failures_in(failed);
  die_with(init);
  seal_and_execute(request, filter);
}

/* The command's streams end with the command: we keep none of them open. */
static void let_go_of_streams(const struct request *request, int nothing) {
  if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0) cannot("let go of", "stdin and stdout");
  close(nothing);
  close(request->filter);
  if (request->command_stderr >= 0) close(request->command_stderr);
}

static void end_everything(void) { kill(-1, SIGKILL); }

/* Returns when something has happened: a child ended, or the host did. */
static void wait_for_news(int control) {
  struct pollfd host = {.fd = control, .events = 0};
  sigset_t none;
  sigemptyset(&none);
  if (ppoll(&host, 1, NULL, &none) <= 0) return;
  /* Nobody is left to watch this cell, its refusals or its ports. */
  end_everything();
  _exit(EXIT_UNSEALED);
}

/* Orphans come to us too, and are forgotten. */
static int reap_until_end_of(pid_t command, int control) {
  int status;
  for (;;) {
    pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == command) return status;
    if (ended == 0) wait_for_news(control);
    if (ended >= 0 || errno == EINTR) continue;
    int error = errno;
    end_everything();
    fail(EXIT_UNSEALED, "wait for", "command", error);
  }
}

static void reap_the_rest(void) {
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) continue;
}

static void say_ended(int control, int status) {
  struct say_ended message = {.say = SAY_ENDED, .id = 0, .status = status};
  struct rusage used;
  if (getrusage(RUSAGE_CHILDREN, &used) == 0) {
    message.cpu_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000U +
                     (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    message.max_rss_kb = (uint64_t)used.ru_maxrss;
  }
  /* A host that is gone needs no telling; our exit code says the same. */
  (void)send_message(control, &message, sizeof message);
}

static int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/* The order matters; every step says why it stands where it does. */
void run_as_init(const struct request *request, const struct filter *filter) {
  /* 1. Before the command's process is there: its first connection waits in a queue, and is never refused. */
  hand_over_ports(request->control);

  /* 2. Before the fork, so that neither of the two ever holds a privilege. Landlock and the filter are the command's
   *    alone: we are outside of its domain, where it can neither signal nor trace us. */
  forbid_new_privileges();
  drop_capabilities();

  /* 3. Before anything can be orphaned or end. */
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) cannot("adopt orphans by", "PR_SET_CHILD_SUBREAPER");
  prepare_signals();
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) cannot("open", "/dev/null");

  volatile unsigned char *failed = share_mark();
  pid_t command = start_command(request, filter, failed);
  let_go_of_streams(request, nothing);
  int status = reap_until_end_of(command, request->control);

  /* 4. Before the end is said: what the command left behind is dead by then, and its use is in the account. */
  end_everything();
  reap_the_rest();
  if (*failed == 0) say_ended(request->control, status);
  _exit(code_of(status));
}
