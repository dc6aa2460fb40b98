/* The folders that were opened at the start, and whatever is opened below them. */
#ifndef CELLFILES_ROOTS_H
#define CELLFILES_ROOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "frames.h"

/* Takes the command line's words; what cannot be opened ends us. */
void open_roots(char **words);

/* Whether overlayfs keeps its marks in `trusted.overlay.*`; else in `user.overlay.*`, or nowhere. */
bool uses_trusted(void);

/* Whether the layers are Workcell's own: no attribute means anything there, and a pipe without bits is a whiteout. */
bool uses_own_marks(void);

struct place {
  int root;
  char *path;
  size_t length;
  bool held;
  uint64_t device, inode;
};

void take_place(struct reader *reader, struct place *place);
int take_root(struct reader *reader);

/* Whatever stands there, itself, as O_PATH, and what fstat says of it: the descriptor, or -1 with errno. */
int open_place(const struct place *place, struct stat *status);

/* The folder itself, to be read. */
int open_folder(const struct place *place);

/* The folder that the last name of a path is in, as O_PATH. */
int open_parent(const struct place *place, const char **name);

/* A regular file to be read that open_place opened; whatever else it is is refused and never opened. */
int open_content(int descriptor, const struct stat *status);

/* The way to something that was opened as O_PATH, for calls that have no other. */
struct way {
  char bytes[32];
};
struct way way_to(int descriptor);

#endif
