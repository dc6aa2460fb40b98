/* The bytes of regular files. */
#ifndef CELLFILES_CONTENT_H
#define CELLFILES_CONTENT_H

#include "frames.h"

/* By the cheapest way that both file systems have; holes stay holes. `to` is empty. */
int copy_content(int from, int to, uint64_t size, uint64_t stored, struct answers *answers);

#endif
