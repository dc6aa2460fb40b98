/*
 * cellhost: what Workcell needs of the kernel outside the cell, and Node has no call for.
 *
 *   cellhost enter --uid U --gid G --scratch DIR [--parent PID] [--keep-fd N]...
 *                  [--mount ro|rw SRC NAME]... [--idmap ro|rw SRC NAME OWNER_UID OWNER_GID]... -- PROGRAM ARGS...
 *   cellhost supervise [--parent PID] [--cgroup FILE]... [--keep-fd N]... [--terminal] [--exec-socket FILE]
 *                      [what root's enter takes] -- PROGRAM ARGS...
 *   cellhost exec SOCKET [--add-environment] [--folder DIR] [--terminal] [--stderr-fd N] [--of-parent]
 *                 -- COMMAND ARGS...
 *   cellhost lock FD [TIMEOUT_MS]
 *   cellhost probe-idmap DIR
 *   cellhost probe-landlock
 *   cellhost probe-seccomp
 *
 * It holds no policy: every path, mode and identity is decided by the plan. It does its one thing or says in one line
 * on stderr which step failed on which value:
 *
 *   cellhost: STEP "VALUE": DESCRIPTION (errno NAME)
 *
 * Exit codes: 75 lock not had in time, 122 a file system cannot be idmapped, 123 a source is gone, 125 anything else.
 *
 * No stdio and no heap: the program stays small enough to be read at one sitting and to be copied about.
 */
#include <stddef.h>
#include <string.h>

#include "commands.h"
#include "text.h"

const char program_name[] = "cellhost";

int main(int count, char **words) {
  static const struct {
    const char *name;
    int (*run)(char **arguments);
  } commands[] = {
      {"enter", enter},
      {"supervise", supervise},
      {"exec", exec_further},
      {"lock", lock},
      {"probe-idmap", probe_idmap},
      {"probe-landlock", probe_landlock},
      {"probe-seccomp", probe_seccomp},
  };
  if (count < 2) misuse("missing sub-command", "cellhost");
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    if (strcmp(words[1], commands[i].name) == 0) return commands[i].run(words + 2);
  misuse("unknown sub-command", words[1]);
}
