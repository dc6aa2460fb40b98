#define _GNU_SOURCE
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "text.h"

/* bwrap makes one or two processes above the command, a shell or an init another one. */
enum { MAX_ANCESTORS = 16, MAX_CHILDREN_BYTES = 4096 };
/* Somebody who cannot be ended must not keep us. */
enum { END_ROUNDS = 1000, END_ROUND_MS = 5 };

static ssize_t read_file(const char *path, char *bytes, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t length = read(file, bytes, size - 1);
  close(file);
  bytes[length > 0 ? length : 0] = '\0';
  return length;
}

static void add_process_path(struct text *path, pid_t process, const char *file) {
  add(path, "/proc/");
  add_number(path, (unsigned long)process);
  add(path, file);
  add_byte(path, '\0');
}

static pid_t number_at(const char *at) {
  pid_t number = 0;
  for (; *at >= '0' && *at <= '9'; at++) number = number * 10 + (*at - '0');
  return number;
}

/* 0 when it is not known. The program's name stands before it, and may hold anything but a NUL. */
static pid_t parent_of(pid_t process) {
  struct text path = {.length = 0};
  char stat[512];
  add_process_path(&path, process, "/stat");
  if (read_file(path.bytes, stat, sizeof stat) <= 0) return 0;
  const char *after_name = strrchr(stat, ')');
  return after_name != NULL && strlen(after_name) > 4 ? number_at(after_name + 4) : 0;
}

/* PID 1 is what bwrap started in the new namespace; its parent is bwrap, our child. 0: it is not below us. */
static pid_t first_above(const struct processes *processes, pid_t command) {
  pid_t at = command;
  for (int i = 0; i < MAX_ANCESTORS && at > 0; i++) {
    pid_t parent = at == processes->child ? getpid() : parent_of(at);
    if (parent == processes->child || parent == getpid()) return at;
    at = parent;
  }
  return 0;
}

bool know_command(struct processes *processes, pid_t command) {
  pid_t first = first_above(processes, command);
  if (first == 0) return false;
  int first_handle = (int)syscall(NR_PIDFD_OPEN, first, 0U);
  int command_handle = (int)syscall(NR_PIDFD_OPEN, command, 0U);
  if (first_handle < 0 || command_handle < 0) {
    if (first_handle >= 0) close(first_handle);
    if (command_handle >= 0) close(command_handle);
    return false;
  }
  processes->first = first;
  processes->first_handle = first_handle;
  processes->command = command;
  processes->command_handle = command_handle;
  return true;
}

bool is_inside(const struct processes *processes, pid_t process) {
  return processes->first != 0 && first_above(processes, process) == processes->first;
}

static bool is_there(int handle) { return syscall(NR_PIDFD_SEND_SIGNAL, handle, 0, NULL, 0U) == 0; }

/*
 * To its group, so that a pipeline ends as a whole. The look before it keeps the number from being someone else's by
 * then: a number is not given away while its process, or its zombie, is there.
 */
void signal_command(const struct processes *processes, int number) {
  if (processes->command == 0 || !is_there(processes->command_handle)) return;
  if (kill(-processes->command, number) != 0 && errno == ESRCH)
    syscall(NR_PIDFD_SEND_SIGNAL, processes->command_handle, number, NULL, 0U);
}

/* Whoever lost a parent in the cell before its PID 1 was known is a child of ours, for we are their subreaper. */
static void kill_children(void) {
  struct text path = {.length = 0};
  char list[MAX_CHILDREN_BYTES];
  add_process_path(&path, getpid(), "/task/");
  path.length--;
  add_number(&path, (unsigned long)getpid());
  add(&path, "/children");
  add_byte(&path, '\0');
  if (read_file(path.bytes, list, sizeof list) <= 0) return;
  for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
    pid_t child = number_at(at);
    at += strspn(at, "0123456789");
    /* A number that the end of the list has cut off names another process. */
    if (child <= 0 || *at != ' ') return;
    kill(child, SIGKILL);
  }
}

/* Asked for again and again until nobody is left, for a process may be born, or become ours, meanwhile. */
void kill_all(const struct processes *processes) {
  if (processes->first != 0) syscall(NR_PIDFD_SEND_SIGNAL, processes->first_handle, SIGKILL, NULL, 0U);
  if (!processes->child_ended) kill(processes->child, SIGKILL);
  kill_children();
}

void end_children(void) {
  for (int round = 0; round < END_ROUNDS; round++) {
    pid_t ended = waitpid(-1, NULL, WNOHANG);
    if (ended < 0 && errno != EINTR) return;
    if (ended > 0) continue;
    kill_children();
    poll(NULL, 0, END_ROUND_MS);
  }
}

bool reap(struct processes *processes) {
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == 0) return true;
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) return false;
    if (ended != processes->child) continue;
    processes->child_ended = true;
    processes->child_status = status;
  }
}
