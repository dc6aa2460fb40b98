/* The private mount namespace of a cell: clones, their restrictions, the scratch folder they stand in. */
#ifndef CELLHOST_MOUNTS_H
#define CELLHOST_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

struct mount_request {
  const char *source;
  const char *name;
  bool read_only;
  bool idmapped;
  uid_t owner_uid;
  gid_t owner_gid;
  int tree; /* the detached clone of the source, once it is there */
};

void leave_host_mounts(void);
int clone_tree(const char *source);
void restrict_tree(int tree, const char *source, bool read_only);
int make_identity_map(uid_t owner_uid, gid_t owner_gid, uid_t uid, gid_t gid);
void idmap_tree(int tree, const char *source, int user_namespace);
int cover_scratch(const char *scratch);
void attach(const struct mount_request *mount, int scratch);

#endif
