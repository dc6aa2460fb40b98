#define _GNU_SOURCE
#include "layer-locks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

/* Above what a caller hands on, as all descriptors of ours that last. */
enum { OWN_DESCRIPTORS = 100, STEP_NS = 2000000, MAX_STEPS = 10000, MAX_TRIES = 1000 };

static int open_lock(const char *folder) {
  struct text path = {.length = 0};
  add(&path, folder);
  add(&path, "/lock");
  add_byte(&path, '\0');
  int file = open(path.bytes, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
  if (file < 0) cannot("open the layer's lock in", folder);
  int aside = fcntl(file, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
  if (aside < 0) cannot("set aside the layer's lock in", folder);
  close(file);
  return aside;
}

/* Its owner is merging, which takes milliseconds; in a queue of many it takes as many of them. */
static void wait_to_start(int lock, const char *folder) {
  const struct timespec step = {.tv_nsec = STEP_NS};
  for (int i = 0; flock(lock, LOCK_EX | LOCK_NB) != 0; i++) {
    if (errno != EWOULDBLOCK && errno != EINTR) cannot("lock layers in", folder);
    if (i == MAX_STEPS) fail(EXIT_NOT_IN_TIME, "lock layers in", folder, EAGAIN);
    nanosleep(&step, NULL);
  }
}

/* Who else holds the record lock; 0: nobody, -1: somebody whom we cannot see. */
static pid_t find_holder(int lock, const char *folder) {
  struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(lock, F_GETLK, &wanted) != 0) cannot("look for users of", folder);
  if (wanted.l_type == F_UNLCK) return 0;
  return wanted.l_pid > 0 ? wanted.l_pid : -1;
}

static int open_namespace(pid_t process, const char *kind) {
  struct text path = {.length = 0};
  add(&path, "/proc/");
  add_number(&path, (unsigned long)process);
  add(&path, kind);
  add_byte(&path, '\0');
  return open(path.bytes, O_RDONLY | O_CLOEXEC);
}

/*
 * A namespace of somebody who holds the lock, -1 when nobody does. Who still holds it after the namespace was opened
 * was alive all the time, and its number nobody else's.
 */
static int join_holder(int lock, const char *folder, const char *kind) {
  for (int i = 0; i < MAX_TRIES; i++) {
    pid_t holder = find_holder(lock, folder);
    if (holder == 0) return -1;
    if (holder < 0) fail(EXIT_NOT_IN_TIME, "join the users of", folder, EBUSY);
    int namespace = open_namespace(holder, kind);
    if (namespace < 0 && errno != ENOENT && errno != ESRCH) cannot_number("join process", (unsigned long)holder, errno);
    if (namespace < 0) continue;
    if (find_holder(lock, folder) == holder) return namespace;
    close(namespace);
  }
  fail(EXIT_NOT_IN_TIME, "join the users of", folder, EAGAIN);
}

static void hold(int lock, const char *folder) {
  struct flock shared = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  if (fcntl(lock, F_SETLK, &shared) != 0) cannot("hold the layer in", folder);
}

static void lock_layer(struct layer_request *layer) {
  layer->lock = open_lock(layer->folder);
  if (flock(layer->lock, LOCK_SH | LOCK_NB) != 0)
    fail(errno == EWOULDBLOCK ? EXIT_NOT_IN_TIME : EXIT_CANNOT, "use the layer in", layer->folder, errno);
  layer->holder = join_holder(layer->lock, layer->folder, "/ns/mnt");
  hold(layer->lock, layer->folder);
}

void lock_layers(struct layers_request *layers, bool with_user_namespace) {
  layers->lock = open_lock(layers->folder);
  wait_to_start(layers->lock, layers->folder);
  layers->holder = with_user_namespace ? join_holder(layers->lock, layers->folder, "/ns/user") : -1;
  hold(layers->lock, layers->folder);
  for (size_t i = 0; i < layers->count; i++) lock_layer(&layers->list[i]);
}

void release_layers(const struct layers_request *layers) {
  if (layers->count == 0) return;
  for (size_t i = 0; i < layers->count; i++) close(layers->list[i].lock);
  close(layers->lock);
}

void let_next_start(const struct layers_request *layers) {
  if (flock(layers->lock, LOCK_UN) != 0) cannot("unlock layers in", layers->folder);
}
