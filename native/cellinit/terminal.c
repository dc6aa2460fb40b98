#define _GNU_SOURCE
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "failure.h"
#include "message.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int open_master(void) {
  int unlocked = 0;
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) cannot("open", "/dev/ptmx");
  if (ioctl(master, TIOCSPTLCK, &unlocked) != 0) cannot("unlock terminal by", "TIOCSPTLCK");
  return master;
}

/* A further command does not wait until the host has set its terminal's size. */
static void set_size(int master, const struct request *request) {
  struct winsize size = {.ws_row = request->rows, .ws_col = request->columns};
  if (size.ws_row > 0 && ioctl(master, TIOCSWINSZ, &size) != 0) cannot("set terminal's size by", "TIOCSWINSZ");
}

int take_terminal(const struct request *request) {
  int master = open_master();
  int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) cannot("open terminal by", "TIOCGPTPEER");
  /* Whoever leads a session already needs no other one. */
  if (setsid() < 0 && getsid(0) != getpid()) cannot("lead a session by", "setsid");
  if (ioctl(terminal, TIOCSCTTY, 0) != 0) cannot("take terminal by", "TIOCSCTTY");
  set_size(master, request);
  struct say_terminal message = {.say = SAY_TERMINAL, .id = request->id};
  if (!send_descriptors(request->control, &message, sizeof message, &master, 1)) cannot("send terminal on", "control");
  close(master);
  if (dup2(terminal, STDIN_FILENO) < 0 || dup2(terminal, STDOUT_FILENO) < 0) cannot("use terminal by", "dup2");
  return terminal;
}
