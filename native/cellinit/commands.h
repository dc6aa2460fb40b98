/* The commands of a cell that has an init: one at first, more by the host's messages. */
#ifndef CELLINIT_COMMANDS_H
#define CELLINIT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "../protocol.h"
#include "filter.h"
#include "request.h"

struct command {
  pid_t process;
  uint32_t id;
  int report; /* reads a byte when the process has failed, and the end when it has become the command; -1: read */
  bool failed;
};

struct commands {
  const struct request *request; /* what all of them are sealed by */
  const struct filter *filter;
  struct command running[MAX_EXEC_COMMANDS + 1]; /* the first one is the cell's first */
  size_t count;
};

/* Starts a process that becomes `request`'s command. False, with errno, when there can be no further one. */
bool start_command(struct commands *commands, const struct request *request);

/* Takes one message of the host's, and starts what it asks for. */
void take_exec(struct commands *commands);

/* Learns from `report` what has become of the process; waits for it. */
void hear_report(struct command *command);

struct command *find_command(struct commands *commands, pid_t process);

/* Says how a command ended, unless it never ran. */
void say_ended(int control, const struct command *command, int status, const struct rusage *used);

#endif
