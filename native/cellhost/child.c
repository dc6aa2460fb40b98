#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "../protocol.h"
#include "identity.h"
#include "life.h"
#include "text.h"

static void restore_signals(const sigset_t *signals) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  /* SIGKILL and SIGSTOP, and the numbers that libc keeps for itself, are refused: they are as they were. */
  for (int number = 1; number <= SIGRTMAX; number++) sigaction(number, &action, NULL);
  if (sigprocmask(SIG_SETMASK, signals, NULL) != 0) cannot("restore signals", "sigprocmask");
}

static void move_descriptor(int from, int to) {
  if (dup2(from, to) != to) cannot_number("place descriptor", (unsigned long)to, errno);
}

static void hide_terminal(void) {
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) cannot("open", "/dev/null");
  move_descriptor(nothing, STDIN_FILENO);
  move_descriptor(nothing, STDOUT_FILENO);
}

static void join_cgroups(const struct supervise_request *request) {
  for (size_t i = 0; i < request->cgroups_count; i++)
    if (write(request->cgroups[i], "0", 1) != 1) cannot("join cgroup", request->cgroup_names[i]);
}

enum { PIPE_FILE_SYSTEM = 0x50495045 };

/*
 * A pipe that root made could not be opened anew by the command, as it is by `echo > /dev/stdout`. It has no name, and
 * nobody else reaches it: it may as well be the session's. A named one stays whose it is.
 */
static void lend_pipe(int descriptor, const struct enter_request *enter) {
  struct statfs about;
  if (fstatfs(descriptor, &about) == 0 && about.f_type == PIPE_FILE_SYSTEM)
    if (fchown(descriptor, enter->uid, enter->gid) != 0) cannot("lend a pipe", "fchown");
}

static void lend_pipes(const struct enter_request *enter) {
  lend_pipe(STDIN_FILENO, enter);
  lend_pipe(STDOUT_FILENO, enter);
  for (size_t i = 0; i < enter->kept.count; i++) lend_pipe(enter->kept.descriptors[i], enter);
}

/* The order matters; every step says why it stands where it does. */
void become_program(struct supervise_request *request, const struct child_ends *ends, pid_t supervisor) {
  struct enter_request *enter = &request->enter;

  /* 1. First, so that what fails from here on is told as a line of the cell. */
  move_descriptor(ends->complaints, STDERR_FILENO);

  /* 2. The person's terminal is ours to relay; the command gets one of its own. */
  if (request->terminal) hide_terminal();

  /* 3. Before anything is made: a supervisor that dies from now on takes us along. */
  die_with_parent(supervisor);

  /* 4. The terminal's own signals are Node's to judge: none may reach bwrap. */
  if (setsid() < 0) cannot("leave the terminal's session", "setsid");
  restore_signals(&ends->signals);

  /* 5. Before the program starts anything, and while we may write there. */
  join_cgroups(request);
  hold_to_cpus(&request->cpus);

  /* 6. Root's part, which ends with root given up; the kernel disarms the parent's death then. */
  if (enter->uid != 0) {
    lend_pipes(enter);
    if (request->layers.count == 0) enter_namespace(enter);
    else drop_to(enter->uid, enter->gid);
    die_with_parent(supervisor);
  }

  /* 7. After everything that opens: the number may have been one of our own. */
  move_descriptor(ends->control, CONTROL_DESCRIPTOR);

  /* 8. Last of all. That closes our end of the pipe, too, by which the supervisor knows that root is given up. */
  close_all_but(&enter->kept);
  execv(enter->program[0], enter->program);
  cannot("execute", enter->program[0]);
}
