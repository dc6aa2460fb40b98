/*
 * Further commands for a cell that runs: a person's `cellhost exec` connects to a socket of ours, hands over its stdin,
 * stdout, stderr and the command's words; what it is answered comes from the cell's init.
 *
 * On that socket a message is one of protocol.h: SAY_EXEC with id 0, then struct say_signal as often as there is one;
 * back come SAY_TERMINAL, where one was asked for, and SAY_FAILED or SAY_ENDED, once.
 */
#ifndef CELLHOST_FURTHER_H
#define CELLHOST_FURTHER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "../protocol.h"
#include "control.h"

enum { MAX_FURTHER = 32, FURTHER_WATCHED = 1 + MAX_FURTHER, SAY_SIGNAL = 's' };

struct say_signal {
  uint8_t say, number;
} __attribute__((packed));

struct further_command {
  int client;  /* -1: it is gone */
  uint32_t id; /* 0: nothing was asked for yet */
  pid_t process;
  int handle;      /* -1: not sealed yet */
  uint8_t pending; /* the signal that came before it was */
  bool wants_terminal; /* and has not got it yet */
};

struct further {
  int listener;
  uid_t owner; /* who may ask */
  uint32_t last_id;
  struct further_command commands[MAX_FURTHER];
};

/* The address of a socket, which holds its folder open; one that cannot be had ends us. */
struct sockaddr_un socket_address(const char *path);

/* Makes the socket at a path, for its owner only; without one nobody asks. */
void open_further(struct further *further, const char *path);

void watch_further(const struct further *further, bool may_ask, struct pollfd watched[FURTHER_WATCHED]);

/* What clients want; `control` is -1 when the cell cannot be asked. */
void serve_further(struct further *further, const struct pollfd watched[FURTHER_WATCHED], int control);

/* What its client wants it to get, now or as soon as it is sealed. */
void signal_further(struct further_command *command, int number);

/* Hands the master of the command's terminal to its client; false when nobody waits for it. */
bool hand_terminal(struct further_command *command, const struct received *received);

/* The process that becomes the command; false when it is gone. */
bool seal_further(struct further_command *command, pid_t process);

/* The command that the cell speaks of; NULL when it is none that runs. */
struct further_command *find_further(struct further *further, uint32_t id);

/* Passes the last word on a command on to its client, and forgets the command. */
void conclude(struct further_command *command, const struct received *received);

#endif
