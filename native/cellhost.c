/*
 * cellhost: what Workcell needs of the kernel outside the cell, and Node has no call for.
 *
 *   cellhost enter --uid U --gid G --scratch DIR [--parent PID] [--keep-fd N]...
 *                  [--mount ro|rw SRC NAME]... [--idmap ro|rw SRC NAME OWNER_UID OWNER_GID]... -- PROGRAM ARGS...
 *   cellhost lock FD [TIMEOUT_MS]
 *   cellhost probe-idmap DIR
 *   cellhost probe-landlock
 *   cellhost probe-seccomp
 *
 * It holds no policy: every path, mode and identity is decided by the plan. It does its one thing or says in one line
 * on stderr which step failed on which value:
 *
 *   cellhost: STEP "VALUE": DESCRIPTION (errno NAME)
 *
 * Exit codes: 75 lock not had in time, 122 a file system cannot be idmapped, 123 a source is gone, 125 anything else.
 *
 * No stdio and no heap: the program stays small enough to be read at one sitting and to be copied about.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the system call numbers below are those of x86_64 and aarch64"
#endif

/* The kernel's interface, stated here because musl has none of it and glibc has it only since 2.36. */
enum {
  NR_OPEN_TREE = 428,
  NR_MOVE_MOUNT = 429,
  NR_FSOPEN = 430,
  NR_FSCONFIG = 431,
  NR_FSMOUNT = 432,
  NR_CLOSE_RANGE = 436,
  NR_OPENAT2 = 437,
  NR_MOUNT_SETATTR = 442,
  NR_LANDLOCK_CREATE_RULESET = 444,
};

#define TREE_CLONE 1U
#define TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define TREE_RECURSIVE 0x8000U
#define TREE_EMPTY_PATH 0x1000U
#define MOVE_FROM_DESCRIPTOR 0x04U
#define MOVE_TO_DESCRIPTOR 0x40U
#define RESOLVE_MAGICLINKS_REFUSED 0x02U
#define RESOLVE_SYMLINKS_REFUSED 0x04U
#define FS_CLOEXEC 1U
#define FS_SET_STRING 1U
#define FS_CREATE 6U
#define ATTR_RDONLY 0x01U
#define ATTR_NOSUID 0x02U
#define ATTR_NODEV 0x04U
#define ATTR_NOEXEC 0x08U
#define ATTR_IDMAP 0x00100000U
#define PROPAGATE_PRIVATE (1U << 18)
#define PROPAGATE_SLAVE (1U << 19)
#define CAPABILITY_VERSION_3 0x20080522U
#define LANDLOCK_VERSION 1U
#define SECCOMP_FILTER_MODE 2UL
#define SECCOMP_ASK_ACTION 2U
#define SECCOMP_USER_NOTIFICATION 0x7fc00000U

struct how_to_open {
  uint64_t flags, mode, resolve;
};

struct mount_attributes {
  uint64_t set, clear, propagation, user_namespace;
};

enum { EXIT_NOT_IN_TIME = 75, EXIT_CANNOT_IDMAP = 122, EXIT_SOURCE_GONE = 123, EXIT_CANNOT = 125 };

/* ---- text without stdio -------------------------------------------------------------------------------------- */

/* A bounded text: what does not fit is cut off, never written past the end. */
struct text {
  char bytes[4608];
  size_t length;
};

/* Kept free behind a value, so that the description of the error always fits. */
enum { ROOM_FOR_DESCRIPTION = 256 };

static void add_byte(struct text *text, char byte) {
  if (text->length < sizeof text->bytes) text->bytes[text->length++] = byte;
}

static void add(struct text *text, const char *string) {
  while (*string != '\0') add_byte(text, *string++);
}

static void add_number(struct text *text, unsigned long number) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) add_byte(text, digits[--count]);
}

/* A value that comes from outside: control characters and quotes are spelled out, so that one line stays one line. */
static void add_quoted(struct text *text, const char *value) {
  static const char hex[] = "0123456789abcdef";
  add_byte(text, '"');
  for (; *value != '\0'; value++) {
    unsigned char byte = (unsigned char)*value;
    if (text->length + ROOM_FOR_DESCRIPTION > sizeof text->bytes) {
      add(text, "...");
      break;
    }
    if (byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\') {
      add_byte(text, *value);
      continue;
    }
    add(text, "\\x");
    add_byte(text, hex[byte >> 4]);
    add_byte(text, hex[byte & 15]);
  }
  add_byte(text, '"');
}

static void print(int descriptor, const struct text *text) {
  size_t done = 0;
  while (done < text->length) {
    ssize_t wrote = write(descriptor, text->bytes + done, text->length - done);
    if (wrote > 0) done += (size_t)wrote;
    else if (wrote == 0 || errno != EINTR) return; /* nobody is left to be told */
  }
}

#define NAMED(code) {code, #code}

static void add_error_name(struct text *text, int error) {
  static const struct {
    int code;
    const char *name;
  } names[] = {
      NAMED(E2BIG),        NAMED(EACCES),  NAMED(EAGAIN), NAMED(EBADF),  NAMED(EBUSY),   NAMED(ECHILD),
      NAMED(EDQUOT),       NAMED(EEXIST),  NAMED(EFAULT), NAMED(EINTR),  NAMED(EINVAL),  NAMED(EIO),
      NAMED(EISDIR),       NAMED(ELOOP),   NAMED(EMFILE), NAMED(EMLINK), NAMED(ENAMETOOLONG),
      NAMED(ENFILE),       NAMED(ENODEV),  NAMED(ENOENT), NAMED(ENOEXEC), NAMED(ENOLCK), NAMED(ENOMEM),
      NAMED(ENOSPC),       NAMED(ENOSYS),  NAMED(ENOTDIR), NAMED(EOPNOTSUPP), NAMED(EOVERFLOW),
      NAMED(EPERM),        NAMED(ERANGE),  NAMED(EROFS),  NAMED(ESRCH),  NAMED(ESTALE),  NAMED(ETXTBSY),
      NAMED(EUSERS),       NAMED(EXDEV),
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].code == error) {
      add(text, names[i].name);
      return;
    }
  }
  add_number(text, (unsigned long)error);
}

_Noreturn static void fail(int code, const char *step, const char *value, int error) {
  struct text line = {.length = 0};
  add(&line, "cellhost: ");
  add(&line, step);
  add(&line, " ");
  add_quoted(&line, value);
  add(&line, ": ");
  add(&line, strerror(error));
  add(&line, " (errno ");
  add_error_name(&line, error);
  add(&line, ")\n");
  print(STDERR_FILENO, &line);
  _exit(code);
}

_Noreturn static void cannot(const char *step, const char *value) { fail(EXIT_CANNOT, step, value, errno); }

_Noreturn static void misuse(const char *step, const char *value) { fail(EXIT_CANNOT, step, value, EINVAL); }

_Noreturn static void cannot_number(const char *step, unsigned long value, int error) {
  struct text number = {.length = 0};
  add_number(&number, value);
  add_byte(&number, '\0');
  fail(EXIT_CANNOT, step, number.bytes, error);
}

/* ---- arguments ----------------------------------------------------------------------------------------------- */

enum { MAX_MOUNTS = 256, MAX_KEPT = 64 };

struct mount_request {
  const char *source;
  const char *name;
  bool read_only;
  bool idmapped;
  uid_t owner_uid;
  gid_t owner_gid;
  int tree; /* the detached clone of the source, once it is there */
};

struct enter_request {
  uid_t uid;
  gid_t gid;
  const char *scratch;
  pid_t parent; /* 0: whoever the parent is at the start */
  int kept[MAX_KEPT];
  size_t kept_count;
  struct mount_request mounts[MAX_MOUNTS];
  size_t mount_count;
  char **program;
};

/* Decimal digits and nothing else: no sign, no space, no other base. */
static unsigned long number_between(const char *step, const char *word, unsigned long least, unsigned long most) {
  unsigned long number = 0;
  if (*word == '\0') misuse(step, word);
  for (const char *at = word; *at != '\0'; at++) {
    if (*at < '0' || *at > '9') misuse(step, word);
    number = number * 10 + (unsigned long)(*at - '0');
    if (number > most) fail(EXIT_CANNOT, step, word, ERANGE);
  }
  if (number < least) fail(EXIT_CANNOT, step, word, ERANGE);
  return number;
}

static char *take(char ***rest, const char *flag) {
  if (**rest == NULL) misuse("missing value after argument", flag);
  return *(*rest)++;
}

static const char *take_absolute(char ***rest, const char *flag) {
  const char *path = take(rest, flag);
  if (path[0] != '/') misuse("not an absolute path, argument", path);
  return path;
}

/* (uid_t)-1 means "unchanged" to the kernel, so it is nobody's identity. */
enum { MAX_ID_BELOW = 1 };
static unsigned long take_id(char ***rest, const char *flag, unsigned long least) {
  return number_between("not a usable identity, argument", take(rest, flag), least, UINT32_MAX - MAX_ID_BELOW);
}

static bool take_read_only(char ***rest, const char *flag) {
  const char *mode = take(rest, flag);
  if (strcmp(mode, "ro") == 0) return true;
  if (strcmp(mode, "rw") == 0) return false;
  misuse("not a mount mode (ro or rw), argument", mode);
}

static const char *take_name(char ***rest, const char *flag) {
  const char *name = take(rest, flag);
  size_t length = strlen(name);
  if (length == 0 || length > NAME_MAX || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    misuse("not a name of one component, argument", name);
  return name;
}

static void take_mount(struct enter_request *request, char ***rest, const char *flag, bool idmapped) {
  if (request->mount_count == MAX_MOUNTS) fail(EXIT_CANNOT, "too many mounts, argument", flag, E2BIG);
  struct mount_request *mount = &request->mounts[request->mount_count++];
  mount->read_only = take_read_only(rest, flag);
  mount->source = take_absolute(rest, flag);
  mount->name = take_name(rest, flag);
  mount->idmapped = idmapped;
  mount->tree = -1;
  if (!idmapped) return;
  mount->owner_uid = (uid_t)take_id(rest, flag, 0);
  mount->owner_gid = (gid_t)take_id(rest, flag, 0);
}

/* Kept in ascending order and without doubles, as the closing of everything between them needs it. */
static void take_kept(struct enter_request *request, char ***rest, const char *flag) {
  int descriptor = (int)number_between("not a descriptor, argument", take(rest, flag), 0, INT_MAX - 1);
  size_t at = 0;
  while (at < request->kept_count && request->kept[at] < descriptor) at++;
  if (at < request->kept_count && request->kept[at] == descriptor) return;
  if (request->kept_count == MAX_KEPT) fail(EXIT_CANNOT, "too many descriptors, argument", flag, E2BIG);
  memmove(&request->kept[at + 1], &request->kept[at], (request->kept_count - at) * sizeof request->kept[0]);
  request->kept[at] = descriptor;
  request->kept_count++;
}

static void read_enter_arguments(struct enter_request *request, char **rest) {
  for (;;) {
    const char *flag = take(&rest, "enter");
    if (strcmp(flag, "--") == 0) break;
    /* Uid and gid 0 are refused here: to leave them is what `enter` is for. */
    if (strcmp(flag, "--uid") == 0) request->uid = (uid_t)take_id(&rest, flag, 1);
    else if (strcmp(flag, "--gid") == 0) request->gid = (gid_t)take_id(&rest, flag, 1);
    else if (strcmp(flag, "--scratch") == 0) request->scratch = take_absolute(&rest, flag);
    else if (strcmp(flag, "--parent") == 0)
      request->parent = (pid_t)number_between("not a process id, argument", take(&rest, flag), 1, INT_MAX);
    else if (strcmp(flag, "--keep-fd") == 0) take_kept(request, &rest, flag);
    else if (strcmp(flag, "--mount") == 0) take_mount(request, &rest, flag, false);
    else if (strcmp(flag, "--idmap") == 0) take_mount(request, &rest, flag, true);
    else misuse("unknown argument", flag);
  }
  if (request->uid == 0) misuse("missing argument", "--uid");
  if (request->gid == 0) misuse("missing argument", "--gid");
  if (request->scratch == NULL) misuse("missing argument", "--scratch");
  request->program = rest;
  take_absolute(&rest, "--");
}

/* ---- life and descriptors ------------------------------------------------------------------------------------ */

/*
 * The parent may die before the signal is armed, and nothing would come then: hence the look at who the parent is
 * after it, never before.
 */
static void die_with_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) cannot("arm the parent's death", "PR_SET_PDEATHSIG");
  if (getppid() != parent) cannot_number("parent is gone", (unsigned long)parent, ESRCH);
}

/* A closed 0, 1 or 2 would be taken by the first thing opened here, and handed to the program as its own. */
static void fill_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    if (open("/dev/null", O_RDWR) != descriptor) cannot("open", "/dev/null");
  }
}

/*
 * Early, so that a number which is not open cannot be taken by one of our own descriptors and be kept by mistake.
 * Close-on-exec needs no clearing: what has come through one exec goes through the next.
 */
static void check_kept_descriptors(const struct enter_request *request) {
  for (size_t i = 0; i < request->kept_count; i++)
    if (fcntl(request->kept[i], F_GETFD) < 0)
      cannot_number("keep descriptor", (unsigned long)request->kept[i], errno);
}

static void close_between(unsigned first, unsigned last) {
  if (first <= last && syscall(NR_CLOSE_RANGE, first, last, 0U) != 0)
    cannot_number("close descriptors from", first, errno);
}

static void close_all_but_kept(const struct enter_request *request) {
  unsigned first = STDERR_FILENO + 1;
  for (size_t i = 0; i < request->kept_count; i++) {
    unsigned kept = (unsigned)request->kept[i];
    if (kept < first) continue;
    close_between(first, kept - 1);
    first = kept + 1;
  }
  close_between(first, UINT_MAX);
}

/* ---- mounts -------------------------------------------------------------------------------------------------- */

static int set_attributes(int tree, unsigned recursive, struct mount_attributes attributes) {
  return (int)syscall(NR_MOUNT_SETATTR, tree, "", TREE_EMPTY_PATH | recursive, &attributes, sizeof attributes);
}

/* Mounts made here must not reach the host; unmounts there should reach us, or a cell would keep its disks busy. */
static void leave_host_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0) cannot("make a private mount namespace", "CLONE_NEWNS");
  struct mount_attributes slave = {.propagation = PROPAGATE_SLAVE};
  if (syscall(NR_MOUNT_SETATTR, AT_FDCWD, "/", TREE_RECURSIVE, &slave, sizeof slave) != 0)
    cannot("cut mount propagation to the host", "/");
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
static int clone_tree(const char *source) {
  int place = open_canonical(source, 0);
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
static void restrict_tree(int tree, const char *source, bool read_only) {
  struct mount_attributes attributes = {
      .set = ATTR_NOSUID | ATTR_NODEV | (read_only ? ATTR_RDONLY : 0U),
      .propagation = PROPAGATE_PRIVATE,
  };
  if (set_attributes(tree, TREE_RECURSIVE, attributes) != 0) cannot("restrict mount", source);
}

static void write_map(pid_t process, const char *file, unsigned long owner, unsigned long seen_as) {
  struct text path = {.length = 0}, map = {.length = 0};
  add(&path, "/proc/");
  add_number(&path, (unsigned long)process);
  add(&path, file);
  add_byte(&path, '\0');
  add_number(&map, owner);
  add(&map, " ");
  add_number(&map, seen_as);
  add(&map, " 1\n");
  int descriptor = open(path.bytes, O_WRONLY | O_CLOEXEC);
  /* The kernel takes a map by one write, as a whole or not at all. */
  if (descriptor < 0 || write(descriptor, map.bytes, map.length) != (ssize_t)map.length)
    cannot("write identity map", path.bytes);
  close(descriptor);
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
 * A user namespace in which the owner on disk stands for the session's identity. It is born with a child, because
 * the maps can be written by its parent only; the child waits for the end of a pipe, which comes when both maps are
 * read off, and also when this process dies.
 */
static int make_identity_map(uid_t owner_uid, gid_t owner_gid, uid_t uid, gid_t gid) {
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
  write_map(child, "/uid_map", owner_uid, uid);
  write_map(child, "/gid_map", owner_gid, gid);
  int descriptor = open_user_namespace(child);
  close(end[0]);
  close(end[1]);
  /* ECHILD: the parent had us ignore SIGCHLD, and the kernel has reaped it. */
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  return descriptor;
}

/*
 * When some file system below the folder cannot be idmapped, the folder itself still can: the one below then shows
 * its own owners, as it would to any stranger.
 */
static void idmap_tree(int tree, const char *source, int user_namespace) {
  struct mount_attributes attributes = {.set = ATTR_IDMAP, .user_namespace = (uint64_t)user_namespace};
  if (set_attributes(tree, TREE_RECURSIVE, attributes) == 0) return;
  if (errno == EINVAL && set_attributes(tree, 0, attributes) == 0) return;
  fail(errno == EINVAL ? EXIT_CANNOT_IDMAP : EXIT_CANNOT, "idmap", source, errno);
}

/* One user namespace serves all mounts of the same owner. */
static int identity_map_for(const struct enter_request *request, size_t index, const int *maps) {
  const struct mount_request *mount = &request->mounts[index];
  for (size_t i = 0; i < index; i++) {
    const struct mount_request *other = &request->mounts[i];
    if (other->idmapped && other->owner_uid == mount->owner_uid && other->owner_gid == mount->owner_gid)
      return maps[i];
  }
  return make_identity_map(mount->owner_uid, mount->owner_gid, request->uid, request->gid);
}

static void set_option(int context, const char *key, const char *value) {
  if (syscall(NR_FSCONFIG, context, FS_SET_STRING, key, value, 0) != 0) cannot("set tmpfs option", key);
}

/* 0711: the session's uid walks to the names it is told, and can neither list nor add any. */
static int cover_scratch(const char *scratch) {
  int place = open_canonical(scratch, O_DIRECTORY);
  if (place < 0) cannot("open scratch", scratch);
  int context = (int)syscall(NR_FSOPEN, "tmpfs", FS_CLOEXEC);
  if (context < 0) cannot("open file system", "tmpfs");
  set_option(context, "mode", "0711");
  set_option(context, "size", "64k");
  set_option(context, "nr_inodes", "512");
  if (syscall(NR_FSCONFIG, context, FS_CREATE, NULL, NULL, 0) != 0) cannot("create file system", "tmpfs");
  int tree = (int)syscall(NR_FSMOUNT, context, FS_CLOEXEC, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
  if (tree < 0) cannot("mount file system", "tmpfs");
  if (syscall(NR_MOVE_MOUNT, tree, "", place, "", MOVE_FROM_DESCRIPTOR | MOVE_TO_DESCRIPTOR) != 0)
    cannot("cover scratch", scratch);
  close(context);
  close(place);
  return tree;
}

static void attach(const struct mount_request *mount, int scratch) {
  struct stat status;
  if (fstat(mount->tree, &status) != 0) cannot("look at source", mount->source);
  if (S_ISDIR(status.st_mode)) {
    if (mkdirat(scratch, mount->name, 0700) != 0) cannot("make mount point", mount->name);
  } else {
    int point = openat(scratch, mount->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (point < 0) cannot("make mount point", mount->name);
    close(point);
  }
  if (syscall(NR_MOVE_MOUNT, mount->tree, "", scratch, mount->name, MOVE_FROM_DESCRIPTOR) != 0)
    cannot("attach mount", mount->name);
}

/* ---- identity ------------------------------------------------------------------------------------------------ */

static void drop_capabilities(void) {
  struct {
    uint32_t version;
    int process;
  } header = {CAPABILITY_VERSION_3, 0};
  struct {
    uint32_t effective, permitted, inheritable;
  } none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capset, &header, none) != 0) cannot("drop capabilities", "capset");
}

/* SECURITY: nothing is taken on trust; each part of root is looked for once more after it was given up. */
static void verify_dropped(uid_t uid, gid_t gid) {
  uid_t real_uid, effective_uid, saved_uid;
  gid_t real_gid, effective_gid, saved_gid;
  if (getresuid(&real_uid, &effective_uid, &saved_uid) != 0 || getresgid(&real_gid, &effective_gid, &saved_gid) != 0)
    cannot("read identity", "getresuid");
  if (real_uid != uid || effective_uid != uid || saved_uid != uid) cannot_number("still another uid than", uid, EPERM);
  if (real_gid != gid || effective_gid != gid || saved_gid != gid) cannot_number("still another gid than", gid, EPERM);
  if (getgroups(0, NULL) != 0) fail(EXIT_CANNOT, "still in other groups than", "none", EPERM);
  if (setuid(0) == 0 || setgid(0) == 0) fail(EXIT_CANNOT, "still able to become", "root", EPERM);
}

/* Groups and gid first: without uid 0 they could not be given up any more. */
static void drop_to(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) != 0) cannot("leave groups", "setgroups");
  if (setresgid(gid, gid, gid) != 0) cannot_number("become gid", gid, errno);
  if (setresuid(uid, uid, uid) != 0) cannot_number("become uid", uid, errno);
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) cannot("clear ambient capabilities", "prctl");
  /* Inherited securebits may have kept capabilities over the change of uid. */
  drop_capabilities();
  verify_dropped(uid, gid);
  /* bwrap sets it too, but not before it has started. */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) cannot("forbid new privileges", "PR_SET_NO_NEW_PRIVS");
}

/* ---- the sub-commands ---------------------------------------------------------------------------------------- */

/* The order matters; every step says why it stands where it does. It never forks away: PROGRAM has our process id. */
static int enter(char **arguments) {
  struct enter_request request = {.kept_count = 0};
  int maps[MAX_MOUNTS];
  read_enter_arguments(&request, arguments);
  if (geteuid() != 0) cannot_number("enter as root, not as uid", geteuid(), EPERM);
  pid_t parent = request.parent != 0 ? request.parent : getppid();

  /* 1. Before anything is made: a parent that dies from now on takes us along. */
  die_with_parent(parent);

  /* 2. Before anything is opened: our own descriptors must not take the program's numbers. */
  fill_standard_descriptors();
  check_kept_descriptors(&request);

  /* 3. Before any clone: one of a host's shared mount would be that mount's peer, and tell the host of its changes. */
  leave_host_mounts();

  /* 4. Before anything is covered: a source may lie below the scratch folder. */
  for (size_t i = 0; i < request.mount_count; i++) request.mounts[i].tree = clone_tree(request.mounts[i].source);

  /* 5. While the clones are detached: the kernel refuses to idmap a mount that was seen already, and no mount is ever
   *    seen without its restrictions. */
  for (size_t i = 0; i < request.mount_count; i++) {
    const struct mount_request *mount = &request.mounts[i];
    restrict_tree(mount->tree, mount->source, mount->read_only);
    if (!mount->idmapped) continue;
    maps[i] = identity_map_for(&request, i, maps);
    idmap_tree(mount->tree, mount->source, maps[i]);
  }

  /* 6. Only now is the scratch folder covered, and the mounts get their names in it. */
  int scratch = cover_scratch(request.scratch);
  for (size_t i = 0; i < request.mount_count; i++) attach(&request.mounts[i], scratch);

  /* 7. A working directory is reached without walking the folders above it, so root's must not be inherited. */
  if (chdir("/") != 0) cannot("change folder", "/");

  /* 8. After the last step that needs root. */
  drop_to(request.uid, request.gid);

  /* 9. Again, for the kernel disarms it when the identity changes. */
  die_with_parent(parent);

  /* 10. Last of all, since the steps before hold mounts and namespaces open; a descriptor of root's, whoever opened
   *     it, would outlive all of them. */
  close_all_but_kept(&request);
  execv(request.program[0], request.program);
  cannot("execute", request.program[0]);
}

static volatile sig_atomic_t time_is_up;

static void on_alarm(int number) {
  (void)number;
  time_is_up = 1;
}

/* The alarm repeats: the first may fall between the look at the flag and the wait, and would be lost there. */
static void arm_alarm(unsigned long milliseconds) {
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval timer = {
      .it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000)},
      .it_interval = {.tv_usec = 10000},
  };
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  if (sigaction(SIGALRM, &action, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &alarm_only, NULL) != 0 ||
      setitimer(ITIMER_REAL, &timer, NULL) != 0)
    cannot("set alarm", "setitimer");
}

/* The lock belongs to the open file, which the caller shares with us and keeps; our own end does not give it back. */
static int lock(char **arguments) {
  const char *word = take(&arguments, "lock");
  int descriptor = (int)number_between("not a descriptor, argument", word, 0, INT_MAX - 1);
  int operation = LOCK_EX;
  if (*arguments != NULL) {
    unsigned long limit = number_between("not a time in ms, argument", *arguments++, 0, 86400000);
    if (limit == 0) operation |= LOCK_NB;
    else arm_alarm(limit);
  }
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  /* Without its caller a waiter waits for nobody. */
  die_with_parent(getppid());
  while (flock(descriptor, operation) != 0) {
    if (errno == EWOULDBLOCK || (errno == EINTR && time_is_up)) fail(EXIT_NOT_IN_TIME, "lock", word, EAGAIN);
    if (errno != EINTR) cannot("lock", word);
  }
  return 0;
}

/* Some identity that is not the folder's own, so that the map can be seen to work. */
enum { PROBE_ID = 54321, OTHER_PROBE_ID = 54322 };

static int probe_idmap(char **arguments) {
  const char *folder = take_absolute(&arguments, "probe-idmap");
  struct stat before, after;
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  leave_host_mounts();
  int tree = clone_tree(folder);
  if (fstat(tree, &before) != 0) cannot("look at source", folder);
  uid_t seen_as = before.st_uid == PROBE_ID ? OTHER_PROBE_ID : PROBE_ID;
  idmap_tree(tree, folder, make_identity_map(before.st_uid, before.st_gid, seen_as, PROBE_ID));
  if (fstat(tree, &after) != 0) cannot("look at source", folder);
  if (after.st_uid != seen_as) fail(EXIT_CANNOT_IDMAP, "idmap without effect on", folder, EINVAL);
  return 0;
}

static int probe_landlock(char **arguments) {
  struct text line = {.length = 0};
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  long version = syscall(NR_LANDLOCK_CREATE_RULESET, NULL, 0UL, LANDLOCK_VERSION);
  if (version >= 0) add_number(&line, (unsigned long)version);
  else add_error_name(&line, errno);
  add(&line, "\n");
  print(STDOUT_FILENO, &line);
  return 0;
}

static void add_finding(struct text *text, const char *what, int error) {
  add(text, what);
  add(text, " ");
  if (error == 0) add(text, "yes");
  else add_error_name(text, error);
  add(text, "\n");
}

/* A filter at address 0 is looked at only by a kernel that has filters at all: EFAULT says yes, and nothing is set. */
static int probe_seccomp(char **arguments) {
  struct text lines = {.length = 0};
  uint32_t action = SECCOMP_USER_NOTIFICATION;
  if (*arguments != NULL) misuse("unknown argument", *arguments);
  int filter = prctl(PR_SET_SECCOMP, SECCOMP_FILTER_MODE, 0UL, 0UL, 0UL) != 0 && errno != EFAULT ? errno : 0;
  int notification = syscall(SYS_seccomp, SECCOMP_ASK_ACTION, 0U, &action) != 0 ? errno : 0;
  add_finding(&lines, "filter", filter);
  add_finding(&lines, "user-notification", notification);
  print(STDOUT_FILENO, &lines);
  return 0;
}

int main(int count, char **words) {
  static const struct {
    const char *name;
    int (*run)(char **arguments);
  } commands[] = {
      {"enter", enter},
      {"lock", lock},
      {"probe-idmap", probe_idmap},
      {"probe-landlock", probe_landlock},
      {"probe-seccomp", probe_seccomp},
  };
  if (count < 2) misuse("missing sub-command", "cellhost");
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    if (strcmp(words[1], commands[i].name) == 0) return commands[i].run(words + 2);
  misuse("unknown sub-command", words[1]);
}
