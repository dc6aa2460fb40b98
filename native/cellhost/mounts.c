#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "text.h"

#define TREE_CLONE 1U
#define TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define TREE_RECURSIVE 0x8000U
#define TREE_EMPTY_PATH 0x1000U
#define MOVE_FROM_DESCRIPTOR 0x04U
#define MOVE_TO_DESCRIPTOR 0x40U
#define RESOLVE_OTHER_MOUNTS_REFUSED 0x01U
#define RESOLVE_MAGICLINKS_REFUSED 0x02U
#define RESOLVE_SYMLINKS_REFUSED 0x04U
#define FS_CLOEXEC 1U
#define FS_SET_FLAG 0U
#define FS_SET_STRING 1U
#define FS_CREATE 6U
/* (uid_t)-1 is nobody's. */
#define LAST_IDENTITY 4294967294UL
#define ATTR_RDONLY 0x01U
#define ATTR_NOSUID 0x02U
#define ATTR_NODEV 0x04U
#define ATTR_NOEXEC 0x08U
#define ATTR_IDMAP 0x00100000U
#define PROPAGATE_PRIVATE (1U << 18)
#define PROPAGATE_SLAVE (1U << 19)

struct how_to_open {
  uint64_t flags, mode, resolve;
};

struct mount_attributes {
  uint64_t set, clear, propagation, user_namespace;
};

static int set_attributes(int tree, unsigned recursive, struct mount_attributes attributes) {
  return (int)syscall(NR_MOUNT_SETATTR, tree, "", TREE_EMPTY_PATH | recursive, &attributes, sizeof attributes);
}

/* Mounts made here must not reach the host; unmounts there should reach us, or a cell would keep its disks busy. */
void leave_host_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0) cannot("make a private mount namespace", "CLONE_NEWNS");
  struct mount_attributes slave = {.propagation = PROPAGATE_SLAVE};
  if (syscall(NR_MOUNT_SETATTR, AT_FDCWD, "/", TREE_RECURSIVE, &slave, sizeof slave) != 0)
    cannot("cut mount propagation to the host", "/");
}

#define STATUS_MOUNT_ROOT 0x2000U

struct wide_status {
  uint32_t mask, block_size;
  uint64_t attributes;
  char rest[240];
};

static bool is_mount_root(const char *path) {
  struct wide_status status = {.mask = 0};
  int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return syscall(SYS_statx, AT_FDCWD, path, flags, 0U, &status) == 0 && (status.attributes & STATUS_MOUNT_ROOT) != 0;
}

/* Container engines cover some of these, or all. */
static bool is_proc_masked(void) {
  static const char *const places[] = {"/proc/sys",  "/proc/sysrq-trigger", "/proc/bus",  "/proc/acpi",
                                       "/proc/keys", "/proc/kcore",         "/proc/stat", "/proc/meminfo"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    if (is_mount_root(places[i])) return true;
  return false;
}

/*
 * A user namespace gets no fresh /proc where none is seen whole, as in most containers; a container's root, in the
 * host's user namespace, does. It is seen here alone, and by a program that has given root up; where it is refused,
 * bwrap says what is missing.
 */
void unmask_proc(void) {
  if (is_proc_masked()) mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/*
 * SECURITY: the path was made canonical when the person's folder was looked up, so a symlink met now was put there
 * since, and following it would connect another folder than the one agreed to.
 */
static int open_canonical(const char *path, unsigned flags) {
  struct how_to_open how = {
      .flags = (uint64_t)(O_PATH | O_CLOEXEC) | flags,
      .resolve = RESOLVE_SYMLINKS_REFUSED | RESOLVE_MAGICLINKS_REFUSED,
  };
  return (int)syscall(NR_OPENAT2, AT_FDCWD, path, &how, sizeof how);
}

/*
 * Recursive: file systems mounted below the folder belong to it, and a mount that covers something goes on covering
 * it. The clone is detached and seen nowhere.
 */
int clone_tree(const char *source, bool follows_links) {
  int place = follows_links ? open(source, O_PATH | O_CLOEXEC) : open_canonical(source, 0);
  if (place < 0) fail(errno == ENOENT || errno == ENOTDIR ? EXIT_SOURCE_GONE : EXIT_CANNOT, "open source", source, errno);
  int tree = (int)syscall(NR_OPEN_TREE, place, "", TREE_CLONE | TREE_CLOEXEC | TREE_EMPTY_PATH | TREE_RECURSIVE);
  if (tree < 0) cannot("clone mount", source);
  close(place);
  return tree;
}

/*
 * Private: what the host mounts below the folder later would come without these attributes, writable in a folder
 * that is read-only.
 */
void restrict_tree(int tree, const char *source, bool read_only) {
  struct mount_attributes attributes = {
      .set = ATTR_NOSUID | ATTR_NODEV | (read_only ? ATTR_RDONLY : 0U),
      .propagation = PROPAGATE_PRIVATE,
  };
  if (set_attributes(tree, TREE_RECURSIVE, attributes) != 0) cannot("restrict mount", source);
}

void restrict_devices(int tree, const char *source) {
  struct mount_attributes attributes = {.set = ATTR_NOSUID | ATTR_NOEXEC, .propagation = PROPAGATE_PRIVATE};
  if (set_attributes(tree, TREE_RECURSIVE, attributes) != 0) cannot("restrict mount", source);
}

static void write_map(pid_t process, const char *file, const struct text *map) {
  struct text path = {.length = 0};
  add(&path, "/proc/");
  add_number(&path, (unsigned long)process);
  add(&path, file);
  add_byte(&path, '\0');
  int descriptor = open(path.bytes, O_WRONLY | O_CLOEXEC);
  /* The kernel takes a map by one write, as a whole or not at all. */
  if (descriptor < 0 || write(descriptor, map->bytes, map->length) != (ssize_t)map->length)
    cannot("write identity map", path.bytes);
  close(descriptor);
}

static void add_range(struct text *map, unsigned long owner, unsigned long seen_as, unsigned long count) {
  if (count == 0) return;
  add_number(map, owner);
  add(map, " ");
  add_number(map, seen_as);
  add(map, " ");
  add_number(map, count);
  add(map, "\n");
}

/* Two identities stand for one another, all others for themselves. */
static void add_exchange(struct text *map, unsigned long one, unsigned long other) {
  unsigned long low = one < other ? one : other, high = one < other ? other : one;
  add_range(map, 0, 0, low);
  add_range(map, low, high, 1);
  if (low == high) high = low;
  else {
    add_range(map, low + 1, low + 1, high - low - 1);
    add_range(map, high, low, 1);
  }
  add_range(map, high + 1, high + 1, LAST_IDENTITY - high);
}

static int open_user_namespace(pid_t process) {
  struct text path = {.length = 0};
  add(&path, "/proc/");
  add_number(&path, (unsigned long)process);
  add(&path, "/ns/user");
  add_byte(&path, '\0');
  int descriptor = open(path.bytes, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) cannot("open user namespace", path.bytes);
  return descriptor;
}

/*
 * It is born with a child, because the maps can be written by its parent only; the child waits for the end of a pipe,
 * which comes when both maps are read off, and also when this process dies.
 */
static int make_user_namespace(const struct text *uids, const struct text *gids) {
  int end[2];
  if (pipe2(end, O_CLOEXEC) != 0) cannot("make a pipe", "pipe2");
  pid_t child = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | SIGCHLD), 0UL, 0UL, 0UL, 0UL);
  if (child < 0) cannot("make a user namespace", "CLONE_NEWUSER");
  if (child == 0) {
    char nothing;
    close(end[1]);
    while (read(end[0], &nothing, 1) < 0 && errno == EINTR) continue;
    _exit(0);
  }
  write_map(child, "/uid_map", uids);
  write_map(child, "/gid_map", gids);
  int descriptor = open_user_namespace(child);
  close(end[0]);
  close(end[1]);
  /* ECHILD: the parent had us ignore SIGCHLD, and the kernel has reaped it. */
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  return descriptor;
}

int make_identity_map(uid_t owner_uid, gid_t owner_gid, uid_t uid, gid_t gid) {
  struct text uids = {.length = 0}, gids = {.length = 0};
  add_range(&uids, owner_uid, uid, 1);
  add_range(&gids, owner_gid, gid, 1);
  return make_user_namespace(&uids, &gids);
}

/* overlayfs writes to the layer both as whoever works in the cell and as us: with the owner alone it would be read-only. */
int make_exchange_map(uid_t owner_uid, gid_t owner_gid, uid_t uid, gid_t gid) {
  struct text uids = {.length = 0}, gids = {.length = 0};
  add_exchange(&uids, owner_uid, uid);
  add_exchange(&gids, owner_gid, gid);
  return make_user_namespace(&uids, &gids);
}

/*
 * When some file system below the folder cannot be idmapped, the folder itself still can: the one below then shows
 * its own owners, as it would to any stranger.
 */
void idmap_tree(int tree, const char *source, int user_namespace, int code) {
  struct mount_attributes attributes = {.set = ATTR_IDMAP, .user_namespace = (uint64_t)user_namespace};
  if (set_attributes(tree, TREE_RECURSIVE, attributes) == 0) return;
  if (errno == EINVAL && set_attributes(tree, 0, attributes) == 0) return;
  fail(errno == EINVAL ? code : EXIT_CANNOT, "idmap", source, errno);
}

static void set_option(int context, const char *key, const char *value) {
  if (syscall(NR_FSCONFIG, context, FS_SET_STRING, key, value, 0) != 0) cannot("set option", key);
}

static void set_merge_option(int context, const char *key, const char *value) {
  unsigned kind = value == NULL ? FS_SET_FLAG : FS_SET_STRING;
  if (syscall(NR_FSCONFIG, context, kind, key, value, 0) != 0) fail(EXIT_CANNOT_MERGE, "set overlay option", key, errno);
}

/* A path that needs no escape, and means what the descriptor means. */
static void set_merge_folder(int context, const char *key, int tree, const char *below) {
  struct text path = {.length = 0};
  add(&path, "/proc/self/fd/");
  add_number(&path, (unsigned long)tree);
  add(&path, below);
  add_byte(&path, '\0');
  set_merge_option(context, key, path.bytes);
}

/*
 * No attribute of a layer may name another place, and what is in one is what a reader of it finds there: hence neither
 * redirects nor files without content.
 */
int merge_trees(int lower, int layer, bool is_root, const char *source) {
  int context = (int)syscall(NR_FSOPEN, "overlay", FS_CLOEXEC);
  if (context < 0) fail(EXIT_CANNOT_MERGE, "open file system", "overlay", errno);
  set_merge_folder(context, "lowerdir", lower, "");
  set_merge_folder(context, "upperdir", layer, "/upper");
  set_merge_folder(context, "workdir", layer, "/work");
  set_merge_option(context, "redirect_dir", "nofollow");
  set_merge_option(context, "metacopy", "off");
  set_merge_option(context, "index", "off");
  if (!is_root) set_merge_option(context, "userxattr", NULL);
  if (syscall(NR_FSCONFIG, context, FS_CREATE, NULL, NULL, 0) != 0) fail(EXIT_CANNOT_MERGE, "merge", source, errno);
  int tree = (int)syscall(NR_FSMOUNT, context, FS_CLOEXEC, ATTR_NOSUID | ATTR_NODEV);
  if (tree < 0) fail(EXIT_CANNOT_MERGE, "mount the merged", source, errno);
  close(context);
  return tree;
}

static int open_file_system(const char *name) {
  int context = (int)syscall(NR_FSOPEN, name, FS_CLOEXEC);
  if (context < 0) cannot("open file system", name);
  return context;
}

static int mount_detached(int context, const char *name, unsigned attributes) {
  if (syscall(NR_FSCONFIG, context, FS_CREATE, NULL, NULL, 0) != 0) cannot("create file system", name);
  int tree = (int)syscall(NR_FSMOUNT, context, FS_CLOEXEC, attributes);
  if (tree < 0) cannot("mount file system", name);
  close(context);
  return tree;
}

int make_terminals(void) {
  int context = open_file_system("devpts");
  set_option(context, "mode", "0620");
  set_option(context, "ptmxmode", "0666");
  return mount_detached(context, "devpts", ATTR_NOSUID | ATTR_NOEXEC);
}

/* 0711: the session's uid walks to the names it is told, and can neither list nor add any. */
int cover_scratch(const char *scratch) {
  int place = open_canonical(scratch, O_DIRECTORY);
  if (place < 0) cannot("open scratch", scratch);
  int context = open_file_system("tmpfs");
  set_option(context, "mode", "0711");
  set_option(context, "size", "64k");
  set_option(context, "nr_inodes", "512");
  int tree = mount_detached(context, "tmpfs", ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
  if (syscall(NR_MOVE_MOUNT, tree, "", place, "", MOVE_FROM_DESCRIPTOR | MOVE_TO_DESCRIPTOR) != 0)
    cannot("cover scratch", scratch);
  close(place);
  return tree;
}

static void give_away(int above, const char *name, uid_t uid, gid_t gid) {
  if (fchownat(above, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) cannot("give away", name);
}

/*
 * SECURITY: folders are made in the scratch file system alone. What is mounted there already may be a person's, and a
 * link may lead anywhere.
 */
static int enter_folder(int above, const char *name) {
  if (mkdirat(above, name, 0755) == 0) {
    /* Whatever the umask is. */
    if (fchmodat(above, name, 0755, 0) != 0) cannot("open to everybody", name);
    struct stat status;
    if (fstat(above, &status) != 0) cannot("look at the folder of", name);
    give_away(above, name, status.st_uid, status.st_gid);
  } else if (errno != EEXIST) cannot("make folder", name);
  struct how_to_open how = {
      .flags = (uint64_t)(O_PATH | O_CLOEXEC | O_DIRECTORY),
      .resolve = RESOLVE_OTHER_MOUNTS_REFUSED | RESOLVE_SYMLINKS_REFUSED,
  };
  int folder = (int)syscall(NR_OPENAT2, above, name, &how, sizeof how);
  if (folder < 0) cannot("enter folder", name);
  return folder;
}

/* A place's last name, and the folder it stands in. */
struct standing {
  int folder;
  const char *name;
};

static struct standing stand_at(char *place, int scratch) {
  struct standing at = {.folder = scratch, .name = place};
  for (char *slash; (slash = strchr(at.name, '/')) != NULL; at.name = slash + 1) {
    *slash = '\0';
    int inner = enter_folder(at.folder, at.name);
    *slash = '/';
    if (at.folder != scratch) close(at.folder);
    at.folder = inner;
  }
  return at;
}

void attach_tree(int tree, char *place, int scratch) {
  struct standing at = stand_at(place, scratch);
  struct stat status;
  if (fstat(tree, &status) != 0) cannot("look at the mount of", place);
  if (S_ISDIR(status.st_mode)) {
    if (mkdirat(at.folder, at.name, 0700) != 0) cannot("make mount point", place);
  } else {
    int point = openat(at.folder, at.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (point < 0) cannot("make mount point", place);
    close(point);
  }
  if (syscall(NR_MOVE_MOUNT, tree, "", at.folder, at.name, MOVE_FROM_DESCRIPTOR) != 0) cannot("attach mount", place);
  if (at.folder != scratch) close(at.folder);
}

void attach_link(const char *text, char *place, int scratch) {
  struct standing at = stand_at(place, scratch);
  if (symlinkat(text, at.folder, at.name) != 0) cannot("make link", place);
  if (at.folder != scratch) close(at.folder);
}

void make_folder(char *place, uid_t uid, gid_t gid, int scratch) {
  struct standing at = stand_at(place, scratch);
  close(enter_folder(at.folder, at.name));
  give_away(at.folder, at.name, uid, gid);
  if (at.folder != scratch) close(at.folder);
}

/* In a system that has no file system below its root, as one that runs from memory, there is nothing to exchange it with. */
void become_root(int scratch) {
  if (fchdir(scratch) != 0) cannot("change folder", "scratch");
  if (syscall(SYS_pivot_root, ".", ".") == 0) {
    if (umount2(".", MNT_DETACH) != 0) cannot("leave", "/");
  } else if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) cannot("change root", "scratch");
  if (chdir("/") != 0) cannot("change folder", "/");
}
