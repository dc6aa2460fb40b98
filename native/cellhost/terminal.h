/*
 * The person's terminal and the command's: bytes both ways, the size, and the person's modes given back on every way
 * out. Nothing here waits: a terminal that is held (Ctrl-S) must not keep Node's orders from being followed.
 */
#ifndef CELLHOST_TERMINAL_H
#define CELLHOST_TERMINAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { TYPED_BYTES = 4096, SHOWN_BYTES = 16384, TERMINAL_WATCHED = 3 };

struct terminal {
  bool wanted;
  int input, output; /* the person's; -1: hung up */
  int master;        /* of the command's; -1: not there (yet, or any more) */
  struct termios before;
  bool is_raw, is_background;
  char typed[TYPED_BYTES], shown[SHOWN_BYTES];
  size_t typed_length, shown_length;
};

/* Takes hold of the person's terminal, which is stdin; output goes where stdout goes. */
void open_terminal(struct terminal *terminal);

/* Takes the master of the command's terminal; false when it is none, or one too many. */
bool take_master(struct terminal *terminal, int master);

void start_raw(struct terminal *terminal);
void restore_terminal(struct terminal *terminal);

void set_size(const struct terminal *terminal, unsigned rows, unsigned columns);
void copy_size(const struct terminal *terminal);

/* After SIGCONT: a shell has set its own modes meanwhile. */
void continue_terminal(struct terminal *terminal);

/* Three descriptors to be watched, and what is done about what was seen. */
void watch_terminal(const struct terminal *terminal, struct pollfd watched[TERMINAL_WATCHED]);
void serve_terminal(struct terminal *terminal, const struct pollfd watched[TERMINAL_WATCHED]);

/* Passes on what was shown last. */
void finish_terminal(struct terminal *terminal);

#endif
