/* Names that are looked for in a whole tree, as whoever asks says them. */
#ifndef CELLFILES_WANTED_H
#define CELLFILES_WANTED_H

#include <stdbool.h>
#include <stddef.h>

#include "frames.h"

/* What a name is wanted as. */
enum { WANTED_ENTRY = 1, WANTED_LINK = 2, WANTED_TREE = 4 };

/* Takes all texts that are left of a request; the names stay where they are in it. */
void take_wanted(struct reader *request);

/* As what this name is wanted; everything that might be read as another name than it is written is wanted as all. */
unsigned wanted_as(const char *name, size_t length);

#endif
