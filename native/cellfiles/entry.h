/* What stands at a place, as it is told. */
#ifndef CELLFILES_ENTRY_H
#define CELLFILES_ENTRY_H

#include <sys/stat.h>

#include "frames.h"

/* `descriptor` may be O_PATH; `whiteouts`: overlayfs takes marked files of this folder for removed ones. */
int put_entry(struct answers *answers, int descriptor, const struct stat *status, bool whiteouts);

/* What stat alone says: an entry without its target and attributes. */
void put_status(struct answers *answers, const struct stat *status);

/* As an entry says it: of files only. */
uint64_t size_told(const struct stat *status);

/* An entry after a fresh look. */
int put_changed(struct answers *answers, int descriptor);

/* The value of one of overlayfs's own attributes, if it has one byte; else 0. */
char overlay_mark(int descriptor, const char *name);

#endif
