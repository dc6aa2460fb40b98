/*
 * A cell may leave files without permission to read and folders without permission to enter, and the person's own folder may
 * hold such. Their owner could open each and shut it again, but being ended in between would leave it open. In a user
 * namespace that knows this one user the kernel lets the owner past the bits, and past those of nobody else's files; it knows
 * no other number there, neither of groups nor in lists of rights. Hence a second process: it exists from the first
 * refusal on, waits for requests that were refused here, answers each as this one would, and ends with it.
 */
#define _GNU_SOURCE
#include "own-files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "../cellhost/life.h"
#include "../cellhost/text.h"

enum { HEAD = 5, PIECE = 64 * 1024 };

/* NONE: root, a machine without such namespaces, or the second process itself. */
static struct {
  enum { NOT_YET, LIVE, NONE } state;
  int channel;
} second;

bool may_try_again(const struct stat *status) {
  return second.state != NONE && geteuid() != 0 && status->st_uid == geteuid();
}

bool was_tried_again(void) { return second.state == LIVE; }

static bool write_all(int to, const void *bytes, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t wrote = write(to, (const uint8_t *)bytes + done, length - done);
    if (wrote >= 0) done += (size_t)wrote;
    else if (errno != EINTR) return false;
  }
  return true;
}

static bool read_all(int from, void *bytes, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t got = read(from, (uint8_t *)bytes + done, length - done);
    if (got == 0) return false;
    if (got > 0) done += (size_t)got;
    else if (errno != EINTR) return false;
  }
  return true;
}

static bool write_line(const char *path, const struct text *line) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool wrote = write(file, line->bytes, line->length) == (ssize_t)line->length;
  close(file);
  return wrote;
}

static bool map_to_itself(const char *path, unsigned long id) {
  struct text line = {.length = 0};
  add_number(&line, id);
  add(&line, " ");
  add_number(&line, id);
  add(&line, " 1\n");
  return write_line(path, &line);
}

static bool enter_namespace(void) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  struct text deny = {.length = 0};
  add(&deny, "deny");
  return unshare(CLONE_NEWUSER) == 0 && write_line("/proc/self/setgroups", &deny) &&
         map_to_itself("/proc/self/uid_map", uid) && map_to_itself("/proc/self/gid_map", gid);
}

static _Noreturn void be_the_second(int channel, pid_t first, void (*serve)(void)) {
  die_with_parent(first);
  bool entered = enter_namespace();
  if (!write_all(channel, entered ? "y" : "n", 1) || !entered) _exit(EXIT_CANNOT);
  if (dup2(channel, STDIN_FILENO) < 0 || dup2(channel, STDOUT_FILENO) < 0) _exit(EXIT_CANNOT);
  close(channel);
  second.state = NONE;
  serve();
  _exit(0);
}

/* Some machines allow the namespace and nothing in it: it is the second process that says so, and is done without. */
static void start_second(void (*serve)(void)) {
  int ends[2];
  char said = 'n';
  second.state = NONE;
  if (geteuid() == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  pid_t first = getpid(), child = fork();
  if (child == 0) {
    close(ends[0]);
    be_the_second(ends[1], first, serve);
  }
  close(ends[1]);
  if (child > 0 && read_all(ends[0], &said, 1) && said == 'y') {
    second.state = LIVE;
    second.channel = ends[0];
  } else {
    close(ends[0]);
  }
}

/* What was asked may be done or not: nobody knows, and so nothing more is answered. */
static _Noreturn void lost(void) { cannot("talk to the second process for", "own files"); }

static void pass_on(struct answers *answers, size_t length) {
  static uint8_t piece[PIECE];
  while (length > 0) {
    size_t part = length < PIECE ? length : PIECE;
    if (!read_all(second.channel, piece, part)) lost();
    put(answers, piece, part);
    length -= part;
  }
}

bool try_again(const uint8_t *request, size_t length, struct answers *answers, void (*serve)(void)) {
  if (second.state == NOT_YET) start_second(serve);
  if (second.state != LIVE) return false;
  uint32_t size = (uint32_t)length;
  if (!write_all(second.channel, &size, sizeof size) || !write_all(second.channel, request, length)) lost();
  start_answer_again(answers);
  for (;;) {
    uint8_t head[HEAD];
    uint32_t frame;
    if (!read_all(second.channel, head, HEAD)) lost();
    memcpy(&frame, head, sizeof frame);
    uint8_t kind = head[HEAD - 1];
    if (kind == ANSWER_ERROR) start_answer_again(answers);
    pass_on(answers, frame - 1);
    if (kind == ANSWER_MORE) continue;
    finish_answer(answers, kind);
    return true;
  }
}
