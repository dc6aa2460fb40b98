/* A cell that runs: what is known of it, and the loop that looks after it until it is empty. */
#ifndef CELLHOST_CELL_H
#define CELLHOST_CELL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "channel.h"
#include "complaints.h"
#include "control.h"
#include "further.h"
#include "layers.h"
#include "notify.h"
#include "processes.h"
#include "terminal.h"

struct cell {
  struct channel channel;
  struct complaints complaints;
  struct notifier notifier;
  struct processes processes;
  struct terminal terminal;
  struct further further;
  const struct layers_request *layers;
  uid_t uid; /* 0: started by a user, there is no root to give up */
  gid_t gid;
  int entered; /* ends when the child has given root up; -1: it has */
  int signals;
  int control; /* -1: at its end */
  uint8_t landlock;
  bool listens, sealed, told_ready, went, failed, ended, told_dropped; /* what comes once */
  bool killing;
};

/* Returns when nobody of the cell is left and Node has been told, or is gone. */
void look_after(struct cell *cell);

/* What the cell says on its control socket; reads a bounded number of messages, false when there was none. */
bool read_messages(struct cell *cell);

#endif
