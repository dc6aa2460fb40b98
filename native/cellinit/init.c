#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "failure.h"
#include "ports.h"
#include "privileges.h"

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

/* The command's streams end with the command: we keep none of them open. */
static void let_go_of_streams(const struct request *request, int nothing) {
  if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0) cannot("let go of", "stdin and stdout");
  close(nothing);
  close(request->filter);
  if (request->command_stderr >= 0) close(request->command_stderr);
}

static void end_everything(void) { kill(-1, SIGKILL); }

/*
 * Returns when something has happened: a child ended, the first command has begun to run, or the host wants a further
 * one. Up to that beginning what lies in the socket is go, which is the command's.
 */
static void wait_for_news(struct commands *commands, int control) {
  struct command *first = &commands->running[0];
  struct pollfd watched[] = {{.fd = control, .events = 0}, {.fd = first->report, .events = POLLIN}};
  if (first->report < 0) watched[0].events = POLLIN;
  sigset_t none;
  sigemptyset(&none);
  if (ppoll(watched, 2, NULL, &none) <= 0) return;
  if ((watched[0].revents & ~POLLIN) != 0) {
    /* Nobody is left to watch this cell, its refusals or its ports. */
    end_everything();
    _exit(EXIT_UNSEALED);
  }
  if (watched[1].revents != 0) hear_report(first);
  if (watched[0].revents != 0) take_exec(commands);
}

/* Says the end of a further command. Orphans come to us too, and are forgotten. */
static void note_end(struct commands *commands, pid_t process, int status, const struct rusage *used) {
  struct command *command = find_command(commands, process);
  if (command == NULL || command == &commands->running[0]) return;
  hear_report(command);
  say_ended(commands->request->control, command, status, used);
  command->process = -1;
}

static int reap_until_first_ends(struct commands *commands) {
  const pid_t first = commands->running[0].process;
  struct rusage used;
  int status;
  for (;;) {
    pid_t ended = wait4(-1, &status, WNOHANG, &used);
    if (ended == first) return status;
    if (ended == 0) wait_for_news(commands, commands->request->control);
    if (ended > 0) note_end(commands, ended, status, &used);
    if (ended >= 0 || errno == EINTR) continue;
    int error = errno;
    end_everything();
    fail(EXIT_UNSEALED, "wait for", "command", error);
  }
}

static void reap_the_rest(struct commands *commands) {
  struct rusage used;
  pid_t ended;
  int status;
  while ((ended = wait4(-1, &status, 0, &used)) > 0 || errno == EINTR)
    if (ended > 0) note_end(commands, ended, status, &used);
}

/* With what all that lived in the cell has used. */
static void say_first_ended(struct commands *commands, int status) {
  struct rusage used = {.ru_maxrss = 0};
  hear_report(&commands->running[0]);
  getrusage(RUSAGE_CHILDREN, &used);
  say_ended(commands->request->control, &commands->running[0], status, &used);
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

  static struct commands commands;
  commands.request = request;
  commands.filter = filter;
  if (!start_command(&commands, request)) cannot("start a process for", "command");
  let_go_of_streams(request, nothing);
  int status = reap_until_first_ends(&commands);

  /* 4. Before the end is said: what the command left behind is dead by then, and its use is in the account. */
  end_everything();
  reap_the_rest(&commands);
  say_first_ended(&commands, status);
  _exit(code_of(status));
}
