#define _GNU_SOURCE
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

/* libc's own takes the number as an int, which half of these do not fit. */
static bool control_terminal(int descriptor, unsigned long request, void *data) {
  return syscall(SYS_ioctl, descriptor, request, data) == 0;
}

/* ---- the person's ---------------------------------------------------------------------------------------------- */

/*
 * An open file of our own, for O_NONBLOCK on the one we inherited would hold for the person's shell, too. Where it may
 * not be opened (another user's terminal), the inherited one does: it is read and written only after poll says so.
 */
static int reopen(int descriptor, int flags) {
  const char *path = descriptor == STDIN_FILENO ? "/proc/self/fd/0" : "/proc/self/fd/1";
  int own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0) own = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (own < 0) cannot("use terminal", path);
  return own;
}

void open_terminal(struct terminal *terminal) {
  terminal->input = terminal->output = terminal->master = -1;
  if (!terminal->wanted) return;
  if (tcgetattr(STDIN_FILENO, &terminal->before) != 0) cannot("use as a terminal", "stdin");
  terminal->input = reopen(STDIN_FILENO, O_RDONLY);
  terminal->output = reopen(STDOUT_FILENO, O_WRONLY);
}

static void make_raw(struct terminal *terminal) {
  struct termios raw = terminal->before;
  cfmakeraw(&raw);
  /* Not after the output has gone out: that may wait for ever. SIGTTOU is ignored, so that it works in any group. */
  terminal->is_raw = tcsetattr(terminal->input, TCSANOW, &raw) == 0 || terminal->is_raw;
}

void start_raw(struct terminal *terminal) {
  if (terminal->master < 0 || terminal->input < 0) return;
  copy_size(terminal);
  make_raw(terminal);
}

void restore_terminal(struct terminal *terminal) {
  if (terminal->is_raw && terminal->input >= 0) tcsetattr(terminal->input, TCSANOW, &terminal->before);
  terminal->is_raw = false;
}

void continue_terminal(struct terminal *terminal) {
  terminal->is_background = false;
  if (!terminal->is_raw) return;
  make_raw(terminal);
  copy_size(terminal);
}

/* ---- the command's --------------------------------------------------------------------------------------------- */

bool take_master(struct terminal *terminal, int master) {
  unsigned number;
  /* Only a master has a number to tell. */
  if (!terminal->wanted || terminal->master >= 0 || !control_terminal(master, TIOCGPTN, &number)) return false;
  if (fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) != 0) return false;
  terminal->master = master;
  return true;
}

void set_size(const struct terminal *terminal, unsigned rows, unsigned columns) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  if (terminal->master >= 0) control_terminal(terminal->master, TIOCSWINSZ, &size);
}

void copy_size(const struct terminal *terminal) {
  struct winsize size;
  if (terminal->input >= 0 && control_terminal(terminal->input, TIOCGWINSZ, &size))
    set_size(terminal, size.ws_row, size.ws_col);
}

/* The command's session gets SIGHUP by it, as when a window is closed. */
static void hang_up(struct terminal *terminal) {
  if (terminal->master >= 0) close(terminal->master);
  terminal->master = -1;
  terminal->typed_length = 0;
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

static void read_typed(struct terminal *terminal) {
  char *free_room = terminal->typed + terminal->typed_length;
  ssize_t got = read(terminal->input, free_room, TYPED_BYTES - terminal->typed_length);
  if (got > 0) terminal->typed_length += (size_t)got;
  else if (got < 0 && is_passing(errno)) return;
  /* A group in the background gets EIO; the modes are the foreground's business until SIGCONT. */
  else if (got < 0 && errno == EIO && tcgetpgrp(terminal->input) > 0) terminal->is_background = true;
  else {
    restore_terminal(terminal);
    close(terminal->input);
    terminal->input = -1;
    hang_up(terminal);
  }
}

static void read_shown(struct terminal *terminal) {
  char *free_room = terminal->shown + terminal->shown_length;
  ssize_t got = read(terminal->master, free_room, SHOWN_BYTES - terminal->shown_length);
  if (got > 0) terminal->shown_length += (size_t)got;
  /* EIO: nobody in the cell has the terminal open any more. */
  else if (got == 0 || !is_passing(errno)) hang_up(terminal);
}

/* Writes from the front; false when nobody takes it any more. */
static bool write_some(int descriptor, char *bytes, size_t *length) {
  ssize_t wrote = write(descriptor, bytes, *length);
  if (wrote < 0) return is_passing(errno);
  *length -= (size_t)wrote;
  memmove(bytes, bytes + wrote, *length);
  return true;
}

static void write_shown(struct terminal *terminal) {
  if (write_some(terminal->output, terminal->shown, &terminal->shown_length)) return;
  close(terminal->output);
  terminal->output = -1;
  hang_up(terminal);
}

void watch_terminal(const struct terminal *terminal, struct pollfd watched[TERMINAL_WATCHED]) {
  bool is_on = terminal->is_raw && !terminal->is_background;
  bool may_type = is_on && terminal->master >= 0 && terminal->typed_length < TYPED_BYTES;
  short to_command = terminal->typed_length > 0 ? POLLOUT : 0;
  short from_command = terminal->shown_length < SHOWN_BYTES ? POLLIN : 0;
  bool may_relay = is_on && (to_command | from_command) != 0;
  watched[0] = (struct pollfd){.fd = may_type ? terminal->input : -1, .events = POLLIN};
  watched[1] = (struct pollfd){.fd = terminal->shown_length > 0 ? terminal->output : -1, .events = POLLOUT};
  watched[2] = (struct pollfd){.fd = may_relay ? terminal->master : -1,
                               .events = (short)(to_command | from_command)};
}

void serve_terminal(struct terminal *terminal, const struct pollfd watched[TERMINAL_WATCHED]) {
  if (watched[0].revents != 0) read_typed(terminal);
  if (watched[1].revents != 0) write_shown(terminal);
  if (terminal->master >= 0 && (watched[2].revents & POLLOUT) != 0)
    write_some(terminal->master, terminal->typed, &terminal->typed_length);
  if (terminal->master >= 0 && (watched[2].revents & ~POLLOUT) != 0) read_shown(terminal);
}

void finish_terminal(struct terminal *terminal) {
  enum { LAST_WAIT_MS = 1000 };
  while (terminal->master >= 0 || terminal->shown_length > 0) {
    /* Everybody is dead: the master's end comes at once. */
    if (terminal->master >= 0 && terminal->shown_length < SHOWN_BYTES) read_shown(terminal);
    if (terminal->shown_length == 0) {
      if (terminal->master >= 0) hang_up(terminal);
      continue;
    }
    struct pollfd output = {.fd = terminal->output, .events = POLLOUT};
    if (terminal->output < 0 || poll(&output, 1, LAST_WAIT_MS) != 1) break;
    write_shown(terminal);
  }
  hang_up(terminal);
  restore_terminal(terminal);
}
