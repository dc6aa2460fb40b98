/*
 * Folders whose changes go to a layer: the person's folder below, the layer above it, merged by overlayfs in a mount
 * namespace of ours. A layer is merged once only: a further cell of the session takes over the mount of one that lives.
 *
 * Locks, each on a file called `lock`, and each gone with the process that holds it:
 *   in the folder of all layers   flock, exclusive: while a cell is starting
 *                                 a record lock: while a cell lives; its owner's user namespace is the session's
 *   in the folder of one layer    flock, shared: while a cell lives that uses it; whoever applies it takes it exclusively
 *                                 a record lock, likewise; its owner's mount namespace is one where it is merged
 */
#ifndef CELLHOST_LAYERS_H
#define CELLHOST_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "enter.h"

/* With our own descriptors fewer than MAX_KEPT. */
enum { MAX_LAYERS = 32 };

struct layer_request {
  const char *name;             /* of the merged folder below the scratch folder */
  const char *lower;            /* the person's folder */
  unsigned long device, inode;  /* of the one that was decided on */
  const char *folder;           /* holds `upper`, `work` and `lock` */
  uid_t owner_uid;              /* of the lower folder; root only */
  gid_t owner_gid;
  int lock, holder;             /* `holder`: a mount namespace in which it is merged, -1: none */
  int lower_tree, layer_tree, merged_tree;
};

struct layers_request {
  const char *folder; /* of all layers */
  size_t count;
  struct layer_request list[MAX_LAYERS];
  int lock, holder; /* `holder`: the session's user namespace, -1: none; not for root */
};

bool take_layer_flag(struct layers_request *layers, const char *flag, char ***rest);

void check_layers(const struct layers_request *layers, const struct enter_request *enter);

/*
 * Enters a mount namespace with everything mounted, the layers merged. Root stays root; an ordinary user's goes with a
 * user namespace, and has no capability in it any more. The locks are held until we end.
 */
void enter_layers(struct layers_request *layers, struct enter_request *enter);

#endif
