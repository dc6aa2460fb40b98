#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "arguments.h"
#include "cell.h"
#include "child.h"
#include "commands.h"
#include "life.h"
#include "text.h"

/* Above what a caller hands on, so that none of ours takes the number of a descriptor that the program gets. */
enum { OWN_DESCRIPTORS = 100 };

static void take_cgroup(struct supervise_request *request, char ***rest, const char *flag) {
  const char *file = take_absolute(rest, flag);
  if (request->cgroups_count == MAX_CGROUPS) fail(EXIT_CANNOT, "too many cgroups, argument", flag, E2BIG);
  request->cgroup_names[request->cgroups_count++] = file;
}

static void read_supervise_arguments(struct supervise_request *request, char **rest) {
  struct enter_request *enter = &request->enter;
  for (;;) {
    const char *flag = take(&rest, "supervise");
    if (strcmp(flag, "--") == 0) break;
    if (strcmp(flag, "--cgroup") == 0) take_cgroup(request, &rest, flag);
    else if (strcmp(flag, "--cpus") == 0) take_cpus(&request->cpus, &rest, flag);
    else if (strcmp(flag, "--exec-socket") == 0) request->exec_socket = take_absolute(&rest, flag);
    else if (strcmp(flag, "--terminal") == 0) request->terminal = true;
    else if (take_layer_flag(&request->layers, flag, &rest)) continue;
    else if (!take_enter_flag(enter, flag, &rest)) misuse("unknown argument", flag);
  }
  enter->program = rest;
  take_absolute(&rest, "--");
}

/* SECURITY: root's cell never runs as root, and there is nothing that a user could enter with. */
static void check_request(const struct supervise_request *request) {
  const struct enter_request *enter = &request->enter;
  bool has_layers = request->layers.count > 0;
  check_layers(&request->layers, enter);
  if (geteuid() == 0) check_enter_request(enter);
  else if (enter->uid != 0 || enter->gid != 0 || (enter->scratch != NULL && !has_layers) || enter->mount_count != 0)
    cannot_number("enter as root, not as uid", geteuid(), EPERM);
  for (size_t i = 0; i < enter->kept.count; i++)
    if (enter->kept.descriptors[i] == CONTROL_DESCRIPTOR)
      fail(EXIT_CANNOT, "not free for the control socket, argument", "--keep-fd", EBUSY);
}

static int set_aside(int descriptor) {
  int aside = fcntl(descriptor, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
  if (aside < 0) cannot_number("set aside descriptor", (unsigned long)descriptor, errno);
  close(descriptor);
  return aside;
}

static void open_cgroups(struct supervise_request *request) {
  for (size_t i = 0; i < request->cgroups_count; i++) {
    int file = open(request->cgroup_names[i], O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (file < 0) cannot("open cgroup", request->cgroup_names[i]);
    request->cgroups[i] = set_aside(file);
  }
}

/*
 * What a terminal sends to the foreground, and whoever means Node by it, is Node's to judge. SIGCHLD is read from a
 * descriptor, and must not be ignored: the kernel would reap, and tell us nothing.
 */
static int take_signals(sigset_t *before) {
  static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1,
                                SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU};
  struct sigaction ignore = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGWINCH);
  sigaddset(&watched, SIGCONT);
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
    if (sigaction(ignored[i], &ignore, NULL) != 0) cannot_number("ignore signal", (unsigned long)ignored[i], errno);
  if (sigaction(SIGCHLD, &usual, NULL) != 0 || sigprocmask(SIG_BLOCK, &watched, before) != 0)
    cannot("watch signals", "SIGCHLD");
  int descriptor = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) cannot("watch signals", "signalfd");
  return set_aside(descriptor);
}

/* Everything that was the command's: while we had it open, too, nobody would ever see its end. */
static void let_go_of(const struct cell *cell, const struct layers_request *layers) {
  struct kept own = {.count = 0};
  const int ours[] = {
      cell->channel.descriptor, cell->control,        cell->complaints.descriptor, cell->signals,
      cell->entered,            cell->terminal.input, cell->terminal.output,       cell->further.listener,
  };
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0) cannot("open", "/dev/null");
  for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
    if (ours[i] >= 0) keep(&own, ours[i], "--");
  for (size_t i = 0; i < layers->count; i++) keep(&own, layers->list[i].lock, "--layer");
  if (layers->count > 0) keep(&own, layers->lock, "--layers");
  close_all_but(&own);
}

static void start(struct cell *cell, struct supervise_request *request) {
  int ends[2], complaints[2], entered[2];
  struct child_ends child;
  open_control(ends);
  if (pipe2(complaints, O_CLOEXEC) != 0 || pipe2(entered, O_CLOEXEC) != 0) cannot("make a pipe", "pipe2");
  cell->control = set_aside(ends[0]);
  cell->complaints.descriptor = set_aside(complaints[0]);
  cell->entered = set_aside(entered[0]);
  set_aside(entered[1]);
  child.control = set_aside(ends[1]);
  child.complaints = set_aside(complaints[1]);
  cell->signals = take_signals(&child.signals);
  if (fcntl(cell->complaints.descriptor, F_SETFL, O_NONBLOCK) != 0) cannot("use a pipe", "O_NONBLOCK");
  keep(&request->enter.kept, CONTROL_DESCRIPTOR, "--keep-fd");
  pid_t supervisor = getpid();
  cell->processes.child = fork();
  if (cell->processes.child < 0) cannot("start a process", "fork");
  if (cell->processes.child == 0) become_program(request, &child, supervisor);
  if (atexit(end_children) != 0) {
    end_children();
    cannot("note what is left to do", "atexit");
  }
  let_go_of(cell, &request->layers);
}

int supervise(char **arguments) {
  struct supervise_request request = {.cgroups_count = 0};
  struct cell cell = {.uid = 0};
  read_supervise_arguments(&request, arguments);
  check_request(&request);
  cell.uid = request.enter.uid;
  cell.gid = request.enter.gid;
  cell.layers = &request.layers;

  /* 1. Before anything is made: without Node there is nobody to supervise for. From here on the end of its channel
   *    says that it is gone. The kernel is not asked to kill us then: bwrap's own child, which is not tied to bwrap in
   *    its first moment, would stay for ever, since nobody but us can find it. */
  if (request.enter.parent != 0) check_parent(request.enter.parent);

  /* 2. Before anything is opened: our own descriptors must not take the program's numbers. */
  fill_standard_descriptors();
  check_kept(&request.enter.kept);
  refuse_folders(&request.enter.kept);
  open_channel(&cell.channel);
  cell.terminal.wanted = request.terminal;
  open_terminal(&cell.terminal);
  open_further(&cell.further, request.exec_socket);
  open_cgroups(&request);

  /* 3. Here, not in the child: a layer's mount is taken over by later cells from us, who live as long as this one. */
  if (request.layers.count > 0) enter_layers(&request.layers, &request.enter);

  /* 4. Before the fork: whoever is orphaned in the cell becomes our child, and can be waited for. */
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) cannot("become subreaper", "PR_SET_CHILD_SUBREAPER");
  start(&cell, &request);

  /* 5. Until the cell is empty. */
  look_after(&cell);
  return 0;
}
