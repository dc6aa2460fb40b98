/* The second layer under the mounts. */
#ifndef CELLINIT_LANDLOCK_H
#define CELLINIT_LANDLOCK_H

#include "request.h"

/* Restricts this process to the request's paths, to the streams that the command gets, each for what it is open for,
 * and, where the kernel can, to its own processes. Returns the ABI that is in force; 0: this kernel has none, and the
 * request can do without. */
unsigned restrict_to_paths(const struct request *request, const int streams[3]);

#endif
