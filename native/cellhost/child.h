/* The process that becomes the cell's program. */
#ifndef CELLHOST_CHILD_H
#define CELLHOST_CHILD_H

#include <signal.h>
#include <stdbool.h>

#include "cpus.h"
#include "enter.h"
#include "layers.h"

enum { MAX_CGROUPS = 32 };

struct supervise_request {
  struct enter_request enter;
  struct layers_request layers;
  const char *cgroup_names[MAX_CGROUPS];
  int cgroups[MAX_CGROUPS];
  size_t cgroups_count;
  cpu_set_t cpus; /* none: as many as we may use ourselves */
  bool terminal;
  const char *exec_socket; /* NULL: nobody may ask for further commands */
};

struct child_ends {
  int control;      /* the cell's end of the control socket */
  int complaints;   /* the end of the pipe that is written to */
  sigset_t signals; /* the mask to be restored */
};

_Noreturn void become_program(struct supervise_request *request, const struct child_ends *ends, pid_t supervisor);

#endif
