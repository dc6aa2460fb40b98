/*
 * What was made beside a file for what stands there, and what came out to where it is kept: one request, since for ten thousand
 * files it would be forty thousand. The order is that of single ones: a look, the exchange, another look, the move. What is
 * not as it is known before the exchange is refused. After it nothing is: how far it came is said, and whoever asked goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attributes.h"
#include "entry.h"
#include "operations.h"
#include "roots.h"
#include "written.h"

#define NO_REPLACE 1U
#define EXCHANGE 2U

/* What tells one state of a file from any other. Its ctime moves with each of its names, and at the exchange. */
struct known {
  bool to_ctime;
  uint64_t size;
  struct timespec mtime, ctime;
};

/* A name in its open folder, and what must have it. */
struct spot {
  struct place place;
  int folder;
  const char *name;
};

static void take_known(struct reader *request, struct known *known) {
  uint8_t to_ctime = take_u8(request);
  if (to_ctime > 1) malformed(request, "neither to its ctime nor not");
  known->to_ctime = to_ctime == 1;
  known->size = take_u64(request);
  known->mtime = take_time(request);
  known->ctime = take_time(request);
}

static bool open_spot(struct spot *spot) {
  spot->folder = open_parent(&spot->place, &spot->name);
  return spot->folder >= 0;
}

/* SECURITY: one name in a folder that was opened: no link is followed, neither on the way nor at its end. */
static bool look(const struct spot *spot, struct stat *status) {
  return fstatat(spot->folder, spot->name, status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
}

static bool is_of(const struct place *place, const struct stat *status) {
  return status->st_dev == place->device && status->st_ino == place->inode;
}

static bool is_same_time(const struct timespec *one, const struct timespec *other) {
  return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

static bool has_content(const struct known *known, const struct stat *status) {
  return size_told(status) == known->size && is_same_time(&status->st_mtim, &known->mtime);
}

static int check_both(const struct spot *at, const struct spot *beside, const struct known *known,
                      struct answers *answers) {
  const char *step = "look at what is to be exchanged";
  struct stat there, made;
  if (!look(at, &there) || !look(beside, &made)) return failed(answers, step);
  bool same = is_of(&at->place, &there) && has_content(known, &there) && is_of(&beside->place, &made) &&
              (!known->to_ctime || is_same_time(&there.st_ctim, &known->ctime));
  return same ? 0 : failed_by(answers, step, ESTALE);
}

static bool move(const struct spot *from, const struct spot *to, unsigned flags) {
  note_written(from->folder);
  note_written(to->folder);
  return syscall(SYS_renameat2, from->folder, from->name, to->folder, to->name, flags) == 0;
}

/* A folder is not looked through here. */
static bool keep(const struct spot *beside, const struct place *is, const struct known *known, struct spot *kept) {
  struct stat out;
  if (!look(beside, &out) || S_ISDIR(out.st_mode) || !is_of(is, &out) || !has_content(known, &out)) return false;
  if (!open_spot(kept)) return false;
  bool moved = move(beside, kept, NO_REPLACE);
  close(kept->folder);
  return moved;
}

static int replace(struct spot spots[3], const struct known *known, struct answers *answers) {
  struct spot *at = &spots[0], *beside = &spots[1];
  int error = check_both(at, beside, known, answers);
  if (error != 0) return error;
  if (!move(beside, at, EXCHANGE)) return failed(answers, "exchange");
  bool kept = keep(beside, &at->place, known, &spots[2]);
  struct stat now;
  put_u8(answers, kept);
  if (kept && look(at, &now)) put_status(answers, &now);
  return 0;
}

int replace_entry(struct reader *request, struct answers *answers) {
  struct spot spots[3];
  struct known known;
  for (int i = 0; i < 3; i++) take_place(request, &spots[i].place);
  take_known(request, &known);
  take_end(request);
  if (!spots[0].place.held || !spots[1].place.held) malformed(request, "not held");
  if (!open_spot(&spots[0])) return failed(answers, "open the folder");
  int error = open_spot(&spots[1]) ? replace(spots, &known, answers) : failed(answers, "open the folder beside");
  if (spots[1].folder >= 0) close(spots[1].folder);
  close(spots[0].folder);
  return error;
}
