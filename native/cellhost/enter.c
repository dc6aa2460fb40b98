#define _GNU_SOURCE
#include "enter.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "identity.h"
#include "text.h"

static void take_mode(struct mount_request *mount, char ***rest, const char *flag) {
  const char *mode = take(rest, flag);
  mount->devices = strcmp(mode, "dev") == 0;
  mount->system = mount->devices || strcmp(mode, "system") == 0;
  mount->read_only = !mount->devices && strcmp(mode, "rw") != 0;
  if (mount->read_only && !mount->system && strcmp(mode, "ro") != 0)
    misuse("not a mount mode (ro, rw, dev or system), argument", mode);
}

static void take_mount(struct enter_request *request, char ***rest, const char *flag, bool idmapped) {
  if (request->mount_count == MAX_MOUNTS) fail(EXIT_CANNOT, "too many mounts, argument", flag, E2BIG);
  struct mount_request *mount = &request->mounts[request->mount_count++];
  take_mode(mount, rest, flag);
  mount->source = take_absolute(rest, flag);
  mount->place = take_place(rest, flag);
  mount->idmapped = idmapped;
  mount->tree = -1;
  if (!idmapped) return;
  mount->owner_uid = (uid_t)take_id(rest, flag, 0);
  mount->owner_gid = (gid_t)take_id(rest, flag, 0);
}

static void take_link(struct enter_request *request, char ***rest, const char *flag) {
  if (request->link_count == MAX_LINKS) fail(EXIT_CANNOT, "too many links, argument", flag, E2BIG);
  struct link_request *link = &request->links[request->link_count++];
  link->text = take(rest, flag);
  link->place = take_place(rest, flag);
}

static void take_folder(struct enter_request *request, char ***rest, const char *flag) {
  if (request->folder_count == MAX_FOLDERS) fail(EXIT_CANNOT, "too many folders, argument", flag, E2BIG);
  request->folders[request->folder_count++] = take_place(rest, flag);
}

bool take_enter_flag(struct enter_request *request, const char *flag, char ***rest) {
  /* Uid and gid 0 are refused here: to leave them is what `enter` is for. */
  if (strcmp(flag, "--uid") == 0) request->uid = (uid_t)take_id(rest, flag, 1);
  else if (strcmp(flag, "--gid") == 0) request->gid = (gid_t)take_id(rest, flag, 1);
  else if (strcmp(flag, "--scratch") == 0) request->scratch = take_absolute(rest, flag);
  else if (strcmp(flag, "--parent") == 0)
    request->parent = (pid_t)number_between("not a process id, argument", take(rest, flag), 1, INT_MAX);
  else if (strcmp(flag, "--keep-fd") == 0) keep(&request->kept, take_descriptor(rest, flag), flag);
  else if (strcmp(flag, "--mount") == 0) take_mount(request, rest, flag, false);
  else if (strcmp(flag, "--idmap") == 0) take_mount(request, rest, flag, true);
  else if (strcmp(flag, "--as-root") == 0) request->as_root = true;
  else if (strcmp(flag, "--folder") == 0) take_folder(request, rest, flag);
  else if (strcmp(flag, "--terminals") == 0) request->terminals = take_place(rest, flag);
  else if (strcmp(flag, "--link") == 0) take_link(request, rest, flag);
  else return false;
  return true;
}

void check_enter_request(const struct enter_request *request) {
  if (request->uid == 0) misuse("missing argument", "--uid");
  if (request->gid == 0) misuse("missing argument", "--gid");
  if (request->scratch == NULL) misuse("missing argument", "--scratch");
}

static void read_enter_arguments(struct enter_request *request, char **rest) {
  for (;;) {
    const char *flag = take(&rest, "enter");
    if (strcmp(flag, "--") == 0) break;
    if (!take_enter_flag(request, flag, &rest)) misuse("unknown argument", flag);
  }
  check_enter_request(request);
  request->program = rest;
  take_absolute(&rest, "--");
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

void clone_mounts(struct enter_request *request) {
  int maps[MAX_MOUNTS];

  /* 1. Before anything is covered: a source may lie below the scratch folder. */
  for (size_t i = 0; i < request->mount_count; i++) {
    struct mount_request *mount = &request->mounts[i];
    mount->tree = clone_tree(mount->source, mount->system);
  }

  /* 2. While the clones are detached: the kernel refuses to idmap a mount that was seen already, and no mount is ever
   *    seen without its restrictions. */
  for (size_t i = 0; i < request->mount_count; i++) {
    const struct mount_request *mount = &request->mounts[i];
    if (mount->devices) restrict_devices(mount->tree, mount->source);
    else restrict_tree(mount->tree, mount->source, mount->read_only);
    if (!mount->idmapped) continue;
    maps[i] = identity_map_for(request, i, maps);
    idmap_tree(mount->tree, mount->source, maps[i], EXIT_CANNOT_IDMAP);
  }
}

int cover_and_attach(struct enter_request *request) {
  int scratch = cover_scratch(request->scratch);
  for (size_t i = 0; i < request->folder_count; i++)
    make_folder(request->folders[i], request->uid, request->gid, scratch);
  for (size_t i = 0; i < request->mount_count; i++) 
    attach_tree(request->mounts[i].tree, request->mounts[i].place, scratch);
  if (request->terminals != NULL) attach_tree(make_terminals(), request->terminals, scratch);
  for (size_t i = 0; i < request->link_count; i++)
    attach_link(request->links[i].text, request->links[i].place, scratch);

  /* A working directory is reached without walking the folders above it, so root's must not be inherited. */
  if (chdir("/") != 0) cannot("change folder", "/");
  return scratch;
}

/* The order matters; every step says why it stands where it does. */
void enter_namespace(struct enter_request *request) {
  /* 1. Before any clone: one of a host's shared mount would be that mount's peer, and tell the host of its changes. */
  leave_host_mounts();
  unmask_proc();

  /* 2. Clones first: only then is the scratch folder covered, and the mounts get their names in it. */
  clone_mounts(request);
  int scratch = cover_and_attach(request);

  /* 3. SECURITY: what bwrap does from here on, it does where nothing else of the host's is. */
  if (request->as_root) become_root(scratch);

  /* 4. After the last step that needs root. */
  drop_to(request->uid, request->gid);
}

/* It never forks away: PROGRAM has our process id. */
int enter(char **arguments) {
  struct enter_request request = {.mount_count = 0};
  read_enter_arguments(&request, arguments);
  if (geteuid() != 0) cannot_number("enter as root, not as uid", geteuid(), EPERM);
  pid_t parent = request.parent != 0 ? request.parent : getppid();

  /* 1. Before anything is made: a parent that dies from now on takes us along. */
  die_with_parent(parent);

  /* 2. Before anything is opened: our own descriptors must not take the program's numbers. */
  fill_standard_descriptors();
  check_kept(&request.kept);

  enter_namespace(&request);

  /* 3. Again, for the kernel disarms it when the identity changes. */
  die_with_parent(parent);

  /* 4. Last of all, since the steps before hold mounts and namespaces open; a descriptor of root's, whoever opened
   *    it, would outlive all of them. */
  close_all_but(&request.kept);
  execv(request.program[0], request.program);
  cannot("execute", request.program[0]);
}
