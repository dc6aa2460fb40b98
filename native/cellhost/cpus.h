/* Which CPUs the cell's processes may run on. */
#ifndef CELLHOST_CPUS_H
#define CELLHOST_CPUS_H

#include <sched.h>

/* Reads a list as the kernel writes it, `0-2,7`; not in order is not a list. */
void take_cpus(cpu_set_t *set, char ***rest, const char *flag);

/* Holds this process, and all that it starts, to the set. */
void hold_to_cpus(const cpu_set_t *set);

#endif
