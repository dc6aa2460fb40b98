#define _GNU_SOURCE
#include "seal.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "execute.h"
#include "failure.h"
#include "landlock.h"
#include "message.h"
#include "privileges.h"
#include "terminal.h"

/* The host signals the command and what it started by this group. */
static void lead_group(void) {
  if (setpgid(0, 0) != 0 && getpgrp() != getpid()) cannot("lead a process group by", "setpgid");
}

static void say_sealed(const struct request *request, unsigned landlock, int listener) {
  struct say_sealed message = {.say = SAY_SEALED, .landlock = (uint8_t)landlock, .id = request->id};
  if (!send_descriptors(request->control, &message, sizeof message, &listener, 1)) cannot("say sealed on", "control");
}

/* By the kernel's own calls: libc keeps a few signals for itself, and would leave them ignored or blocked. */
static void reset_signals(void) {
  enum { LAST_SIGNAL = 64, MASK_BYTES = 8 };
  const uint64_t none = 0;
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } by_default = {NULL, 0, NULL, 0};
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    if (syscall(SYS_rt_sigaction, number, &by_default, NULL, (size_t)MASK_BYTES) != 0)
      cannot_number("reset signal", (unsigned long)number, errno);
  }
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, (size_t)MASK_BYTES) != 0)
    cannot("unblock signals by", "rt_sigprocmask");
}

/* What comes from now on waits until the command is ready for it: ignored meanwhile, it would be lost, and a person's
 * wish to end the command with it. */
static void hold_signals(void) {
  uint64_t all = UINT64_MAX;
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all) != 0) cannot("hold signals by", "rt_sigprocmask");
}

/* What a further command is given. Returns its 2, for up to exec ours stays the launcher's. */
static int take_streams(const int *streams) {
  if (dup2(streams[0], STDIN_FILENO) < 0 || dup2(streams[1], STDOUT_FILENO) < 0) cannot("use streams by", "dup2");
  return streams[2];
}

/* The order matters; every step says why it stands where it does. */
void seal_and_execute(const struct request *request, const struct filter *filter) {
  int control = request->control;
  int command_stderr = request->command_stderr;
  hold_signals();

  /* 1. While devices can still be opened. A terminal comes with a session, hence a group, of its own. */
  if (request->terminal) command_stderr = take_terminal(request);
  else if (request->streams[0] >= 0) command_stderr = take_streams(request->streams);
  lead_group();

  /* 2. Before the filter, which need not allow any of the calls from here to there. */
  lower_limits(request);
  if (request->check_ids) check_identity();

  /* 3. Before Landlock and the filter: without it the kernel lets only a capable process restrict itself. */
  forbid_new_privileges();

  /* 4. Before anything is waited for: a sealed process is one that holds nothing. */
  drop_capabilities();

  /* 5. Before the filter, which refuses further Landlock rulesets or need not know them. */
  const int streams[] = {STDIN_FILENO, STDOUT_FILENO, command_stderr >= 0 ? command_stderr : STDERR_FILENO};
  unsigned landlock = restrict_to_paths(request, streams);

  /* 6. Last of the layers. The listener is the host's alone: whoever holds it can answer its questions. */
  int listener = install_filter(filter);
  say_sealed(request, landlock, listener);
  close(listener);

  /* 7. SECURITY: no command runs before the host, alive and content, says so. For a further one it has. */
  if (request->id == 0) await_go(control);

  /* 8. After the wait; the command starts as from a login, with what was sent to it meanwhile. */
  reset_signals();

  /* 9. Complaints of ours up to here went to the launcher, the command's go to the person. */
  if (command_stderr >= 0 && dup2(command_stderr, STDERR_FILENO) < 0) cannot("use descriptor of", "--stderr-fd");

  /* 10. Whatever was opened on the way, and by whomever; the control socket tells of a failing exec and closes by it. */
  int kept[] = {control, request->report};
  close_all_but(kept, sizeof kept / sizeof kept[0]);
  int error = execute(request->command, request->environment);
  fail(error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, "execute", request->command[0], error);
}
