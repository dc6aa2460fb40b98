/* The processes of a cell, as seen from the host: who is PID 1, how all of them are ended, when none is left. */
#ifndef CELLHOST_PROCESSES_H
#define CELLHOST_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

struct processes {
  pid_t child; /* what we started */
  bool child_ended;
  int child_status;
  pid_t first; /* PID 1 of the cell, as the host numbers it; 0: not known yet */
  int first_handle;
  pid_t command; /* the process that was sealed */
  int command_handle;
};

/* Looks up PID 1 above the process that was sealed; false when it is not one of ours. */
bool know_command(struct processes *processes, pid_t command);

/* Whether a process is one of the cell's. */
bool is_inside(const struct processes *processes, pid_t process);

void signal_command(const struct processes *processes, int number);
void kill_all(const struct processes *processes);

/* For an end before its time: whoever is not tied to bwrap yet would stay, and nobody but us can find it. */
void end_children(void);

/* Reaps what has ended; false when nobody is left at all, not even as a zombie. */
bool reap(struct processes *processes);

#endif
