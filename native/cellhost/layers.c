#define _GNU_SOURCE
#include "layers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "arguments.h"
#include "identity.h"
#include "layer-locks.h"
#include "mounts.h"
#include "text.h"

#define OVERLAY_MAGIC 0x794c7630

static void take_layer(struct layers_request *layers, char ***rest, const char *flag) {
  if (layers->count == MAX_LAYERS) fail(EXIT_CANNOT, "too many layers, argument", flag, E2BIG);
  struct layer_request *layer = &layers->list[layers->count++];
  layer->name = take_name(rest, flag);
  layer->lower = take_absolute(rest, flag);
  layer->device = number_between("not a device, argument", take(rest, flag), 0, ULONG_MAX);
  layer->inode = number_between("not an inode, argument", take(rest, flag), 0, ULONG_MAX);
  layer->folder = take_absolute(rest, flag);
  layer->owner_uid = (uid_t)take_id(rest, flag, 0);
  layer->owner_gid = (gid_t)take_id(rest, flag, 0);
}

bool take_layer_flag(struct layers_request *layers, const char *flag, char ***rest) {
  if (strcmp(flag, "--layers") == 0) layers->folder = take_absolute(rest, flag);
  else if (strcmp(flag, "--layer") == 0) take_layer(layers, rest, flag);
  else return false;
  return true;
}

void check_layers(const struct layers_request *layers, const struct enter_request *enter) {
  if (layers->count == 0) return;
  if (layers->folder == NULL) misuse("missing argument", "--layers");
  if (enter->scratch == NULL) misuse("missing argument", "--scratch");
}

static void write_all(const char *file, const struct text *text) {
  int descriptor = open(file, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0 || write(descriptor, text->bytes, text->length) != (ssize_t)text->length)
    fail(EXIT_CANNOT_MERGE, "write", file, errno);
  close(descriptor);
}

static void map_to_itself(const char *file, unsigned long id) {
  struct text map = {.length = 0};
  add_number(&map, id);
  add(&map, " ");
  add_number(&map, id);
  add(&map, " 1\n");
  write_all(file, &map);
}

/* An ordinary user may mount in a user namespace of his own. All cells of a session are in one: each may have to take
 * over what another one mounted. */
static void enter_user_namespace(const struct layers_request *layers) {
  struct text deny = {.length = 0};
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (layers->holder >= 0) {
    if (setns(layers->holder, CLONE_NEWUSER) != 0) fail(EXIT_CANNOT_MERGE, "join", "the session's user namespace", errno);
    return;
  }
  if (unshare(CLONE_NEWUSER) != 0) fail(EXIT_CANNOT_MERGE, "make a user namespace", "CLONE_NEWUSER", errno);
  add(&deny, "deny");
  write_all("/proc/self/setgroups", &deny);
  map_to_itself("/proc/self/uid_map", uid);
  map_to_itself("/proc/self/gid_map", gid);
}

/* SECURITY: the clone is what will be merged, so that whatever moves on the host from here on changes nothing. */
static void check_lower(const struct layer_request *layer) {
  struct stat status;
  if (fstat(layer->lower_tree, &status) != 0) cannot("look at source", layer->lower);
  if (status.st_dev != layer->device || status.st_ino != layer->inode)
    fail(EXIT_SOURCE_GONE, "find the folder that was decided on", layer->lower, ESTALE);
}

static void clone_layer(struct layer_request *layer, const struct enter_request *enter) {
  layer->lower_tree = clone_tree(layer->lower, false);
  check_lower(layer);
  restrict_tree(layer->lower_tree, layer->lower, true);
  layer->layer_tree = clone_tree(layer->folder, false);
  restrict_tree(layer->layer_tree, layer->folder, false);
  if (enter->uid == 0) return;
  int map = make_exchange_map(layer->owner_uid, layer->owner_gid, enter->uid, enter->gid);
  idmap_tree(layer->lower_tree, layer->lower, map, EXIT_CANNOT_IDMAP);
  idmap_tree(layer->layer_tree, layer->folder, map, EXIT_CANNOT_MERGE);
  close(map);
}

/* SECURITY: what is taken over is the merged view of this very layer, whoever holds its lock. */
static void check_taken_over(const struct layer_request *layer, const struct stat *wanted) {
  struct stat found;
  struct statfs system;
  if (fstat(layer->layer_tree, &found) != 0 || found.st_dev != wanted->st_dev || found.st_ino != wanted->st_ino)
    fail(EXIT_CANNOT_MERGE, "find the mount of", layer->folder, ESTALE);
  if (fstatfs(layer->merged_tree, &system) != 0 || system.f_type != OVERLAY_MAGIC)
    fail(EXIT_CANNOT_MERGE, "find the merged mount of", layer->folder, ESTALE);
}

static int clone_in_scratch(const char *scratch, const char *prefix, const char *name) {
  struct text path = {.length = 0};
  add(&path, scratch);
  add(&path, "/");
  add(&path, prefix);
  add(&path, name);
  add_byte(&path, '\0');
  return clone_tree(path.bytes, false);
}

/* A clone of the mount, not a second mount of the layer: both see one file system, and it lives as long as either. */
static void take_over(struct layer_request *layer, const char *scratch) {
  struct stat wanted;
  int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own < 0 || stat(layer->folder, &wanted) != 0) cannot("look at layer", layer->folder);
  if (setns(layer->holder, CLONE_NEWNS) != 0) fail(EXIT_CANNOT_MERGE, "join the users of", layer->folder, errno);
  layer->layer_tree = clone_in_scratch(scratch, "layer-", layer->name);
  layer->merged_tree = clone_in_scratch(scratch, "", layer->name);
  check_taken_over(layer, &wanted);
  if (setns(own, CLONE_NEWNS) != 0) cannot("go back to our mounts from", layer->folder);
  close(own);
  close(layer->holder);
}

static void attach_as(int tree, const char *prefix, const char *name, int scratch) {
  struct text path = {.length = 0};
  add(&path, prefix);
  add(&path, name);
  add_byte(&path, '\0');
  attach_tree(tree, path.bytes, scratch);
}

/* The layer's own mount stays beside the merged one: by it a cell that takes over knows whose that is. */
static void give_places(struct layer_request *layer, bool is_root, int scratch) {
  attach_as(layer->layer_tree, "layer-", layer->name, scratch);
  if (layer->holder < 0) {
    attach_as(layer->lower_tree, "lower-", layer->name, scratch);
    layer->merged_tree = merge_trees(layer->lower_tree, layer->layer_tree, is_root, layer->lower);
  }
  attach_as(layer->merged_tree, "", layer->name, scratch);
}

/* The order matters; every step says why it stands where it does. */
void enter_layers(struct layers_request *layers, struct enter_request *enter) {
  bool is_root = enter->uid != 0;

  /* 1. Before anything is looked at: until we have merged, nobody else of this session does. */
  lock_layers(layers, !is_root);

  /* 2. What an ordinary user mounts belongs to a user namespace, so that comes first. */
  if (!is_root) enter_user_namespace(layers);
  leave_host_mounts();
  if (is_root) unmask_proc();

  /* 3. Clones, before anything is covered; what another cell has merged is taken over. */
  clone_mounts(enter);
  for (size_t i = 0; i < layers->count; i++) {
    struct layer_request *layer = &layers->list[i];
    if (layer->holder >= 0) take_over(layer, enter->scratch);
    else clone_layer(layer, enter);
  }

  /* 4. A layer is merged from mounts that are seen in our namespace, hence after they have their places in it. */
  int scratch = cover_and_attach(enter);
  for (size_t i = 0; i < layers->count; i++) give_places(&layers->list[i], is_root, scratch);
  let_next_start(layers);

  /* 5. SECURITY: root gives itself up in the child; the others have nothing more to mount. */
  if (!is_root) drop_capabilities();
}
