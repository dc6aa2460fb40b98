/* The private mount namespace of a cell: clones, their restrictions, the scratch folder they stand in. */
#ifndef CELLHOST_MOUNTS_H
#define CELLHOST_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

struct mount_request {
  const char *source;
  char *place; /* below the scratch folder */
  bool read_only;
  bool system; /* the host's own: links on the way to it are followed */
  bool devices; /* devices in it work; the host's own */
  bool idmapped;
  uid_t owner_uid;
  gid_t owner_gid;
  int tree; /* the detached clone of the source, once it is there */
};

void leave_host_mounts(void);

/* As root, in a mount namespace of our own: a /proc that is whole lies over one that an engine has covered in parts. */
void unmask_proc(void);
int clone_tree(const char *source, bool follows_links);
void restrict_tree(int tree, const char *source, bool read_only);
void restrict_devices(int tree, const char *source);

/* A user namespace in which the owner on disk stands for the session's identity, and nobody else for anybody. */
int make_identity_map(uid_t owner_uid, gid_t owner_gid, uid_t uid, gid_t gid);

/* One in which the two stand for one another, and everybody else for himself. */
int make_exchange_map(uid_t owner_uid, gid_t owner_gid, uid_t uid, gid_t gid);


/* `code`: what we end with on a file system that has no idmapped mounts. */
void idmap_tree(int tree, const char *source, int user_namespace, int code);

int cover_scratch(const char *scratch);

/* The scratch folder becomes the root of our mount namespace, and everything else is gone from it. */
void become_root(int scratch);

/* Makes the folders that a place lies in, for everybody to walk through, and the mount point or link itself. */
void attach_tree(int tree, char *place, int scratch);
void attach_link(const char *text, char *place, int scratch);

/* Makes a folder that is somebody's; what is made in it later to lead to a place is his, too. */
void make_folder(char *place, uid_t uid, gid_t gid, int scratch);

/* Terminals of the cell's own: a detached mount. */
int make_terminals(void);

/* Merges a folder and the `upper` of a layer that are attached already; the mount is detached. */
int merge_trees(int lower, int layer, bool is_root, const char *source);

#endif
