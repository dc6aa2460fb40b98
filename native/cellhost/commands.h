/* The sub-commands: each takes the words after its name, and returns the exit code or does not return. */
#ifndef CELLHOST_COMMANDS_H
#define CELLHOST_COMMANDS_H

int enter(char **arguments);
int supervise(char **arguments);
int exec_further(char **arguments);
int lock(char **arguments);
int probe_idmap(char **arguments);
int probe_landlock(char **arguments);
int probe_seccomp(char **arguments);

#endif
