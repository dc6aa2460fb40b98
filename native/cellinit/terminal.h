/* A terminal of the cell's own, so that nothing of the person's can be pushed into or read from. */
#ifndef CELLINIT_TERMINAL_H
#define CELLINIT_TERMINAL_H

#include "request.h"

/* Makes this process the leader of a session on a new terminal, sends the master to the host, and puts the terminal
 * on 0 and 1. Returns a descriptor of it for the command's 2. */
int take_terminal(const struct request *request);

#endif
