/* Becoming the command. */
#ifndef CELLINIT_EXECUTE_H
#define CELLINIT_EXECUTE_H

/*
 * Looks `command` up along the environment's PATH as execvp does, a script without an interpreter included. The word
 * before `command` is overwritten in that case. Returns only the error for which nothing could be executed.
 */
int execute(char **command, char **environment);

#endif
