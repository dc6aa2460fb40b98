/* Whom a process dies with, and which descriptors it hands on. */
#ifndef CELLHOST_LIFE_H
#define CELLHOST_LIFE_H

#include <stddef.h>
#include <sys/types.h>

enum { MAX_KEPT = 64 };

/* In ascending order and without doubles, as the closing of everything between them needs it. */
struct kept {
  int descriptors[MAX_KEPT];
  size_t count;
};

void check_parent(pid_t parent);
void die_with_parent(pid_t parent);
void fill_standard_descriptors(void);
void keep(struct kept *kept, int descriptor, const char *flag);
void check_kept(const struct kept *kept);
/* SECURITY: from an open folder of the host's, a cell would walk up to all the others. */
void refuse_folders(const struct kept *kept);
void close_all_but(const struct kept *kept);

#endif
