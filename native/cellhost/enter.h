/* What `enter` is asked for, and its steps, which `supervise` carries out in its child. */
#ifndef CELLHOST_ENTER_H
#define CELLHOST_ENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "life.h"
#include "mounts.h"

enum { MAX_MOUNTS = 256, MAX_LINKS = 64, MAX_FOLDERS = 8 };

struct link_request {
  const char *text;
  char *place;
};

struct enter_request {
  uid_t uid; /* 0: none was named */
  gid_t gid;
  const char *scratch;
  char *folders[MAX_FOLDERS];
  size_t folder_count;
  char *terminals; /* place of terminals of the cell's own; NULL: none */
  bool as_root; /* the scratch folder takes the place of all else that is mounted */
  pid_t parent; /* 0: whoever the parent is at the start */
  struct kept kept;
  struct mount_request mounts[MAX_MOUNTS];
  size_t mount_count;
  struct link_request links[MAX_LINKS];
  size_t link_count;
  char **program;
};

/* Takes the values of a flag; false when it is none of these. */
bool take_enter_flag(struct enter_request *request, const char *flag, char ***rest);

/* Refuses a request that leaves out who, or where, or what. */
void check_enter_request(const struct enter_request *request);

/* Clones all mounts, restricted and idmapped, while they are seen nowhere; in a mount namespace of our own. */
void clone_mounts(struct enter_request *request);

/* Covers the scratch folder and gives the clones their names in it; returns the scratch. */
int cover_and_attach(struct enter_request *request);

/* Mounts everything in a namespace of its own and gives root up. */
void enter_namespace(struct enter_request *request);

#endif
