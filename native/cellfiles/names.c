#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "operations.h"
#include "roots.h"
#include "written.h"

#define NO_REPLACE 1U
#define EXCHANGE 2U

/* Two names, each in its open folder. */
struct pair {
  int folders[2];
  const char *names[2];
};

static int open_pair(struct place places[2], struct pair *pair, struct answers *answers) {
  pair->folders[0] = open_parent(&places[0], &pair->names[0]);
  if (pair->folders[0] < 0) return failed(answers, "open the first's folder");
  pair->folders[1] = open_parent(&places[1], &pair->names[1]);
  if (pair->folders[1] >= 0) return 0;
  int error = failed(answers, "open the second's folder");
  close(pair->folders[0]);
  return error;
}

static void close_pair(const struct pair *pair) {
  close(pair->folders[0]);
  close(pair->folders[1]);
}

/* A place that is held is looked at first: what stands there at the very moment of the change nobody can say. */
static int check_places(const struct place places[2], struct answers *answers) {
  struct stat status;
  for (int i = 0; i < 2; i++) {
    if (!places[i].held) continue;
    int descriptor = open_place(&places[i], &status);
    if (descriptor < 0) return failed(answers, "look at what is to be changed");
    close(descriptor);
  }
  return 0;
}

static int change_names(struct reader *request, struct answers *answers, unsigned flags, const char *step) {
  struct place places[2];
  struct pair pair;
  take_place(request, &places[0]);
  take_place(request, &places[1]);
  take_end(request);
  int error = check_places(places, answers);
  if (error == 0) error = open_pair(places, &pair, answers);
  if (error != 0) return error;
  note_written(pair.folders[0]);
  note_written(pair.folders[1]);
  if (syscall(SYS_renameat2, pair.folders[0], pair.names[0], pair.folders[1], pair.names[1], flags) != 0)
    error = failed(answers, step);
  close_pair(&pair);
  return error;
}

int exchange_entries(struct reader *request, struct answers *answers) {
  return change_names(request, answers, EXCHANGE, "exchange");
}

int rename_entry(struct reader *request, struct answers *answers) {
  return change_names(request, answers, NO_REPLACE, "rename");
}

int link_file(struct reader *request, struct answers *answers) {
  struct place from, to;
  struct stat status;
  take_place(request, &from);
  take_place(request, &to);
  take_end(request);
  int source = open_place(&from, &status);
  if (source < 0) return failed(answers, "open the source");
  const char *name;
  int folder = open_parent(&to, &name);
  int error = folder < 0 ? failed(answers, "open the target's folder") : 0;
  if (error == 0) note_written(folder);
  /* SECURITY: by descriptor, so that it is the file that was looked at which gets another name. */
  if (error == 0 && linkat(AT_FDCWD, way_to(source).bytes, folder, name, AT_SYMLINK_FOLLOW) != 0)
    error = failed(answers, "link");
  if (folder >= 0) close(folder);
  close(source);
  return error;
}

/* As Workcell's own layers say that something is gone. */
int make_whiteout(struct reader *request, struct answers *answers) {
  struct place place;
  const char *name;
  take_place(request, &place);
  take_end(request);
  int folder = open_parent(&place, &name);
  if (folder < 0) return failed(answers, "open its folder");
  note_written(folder);
  int error = mkfifoat(folder, name, 0) == 0 ? 0 : failed(answers, "make whiteout");
  close(folder);
  return error;
}

int remove_entry(struct reader *request, struct answers *answers) {
  struct place places[2] = {{.held = false}, {.held = false}};
  const char *name;
  take_place(request, &places[0]);
  take_end(request);
  int error = check_places(places, answers);
  if (error != 0) return error;
  int folder = open_parent(&places[0], &name);
  if (folder < 0) return failed(answers, "open its folder");
  note_written(folder);
  int result = unlinkat(folder, name, 0);
  if (result != 0 && errno == EISDIR) result = unlinkat(folder, name, AT_REMOVEDIR);
  if (result != 0) error = failed(answers, "remove");
  close(folder);
  return error;
}

/* All of them are read before the first is removed: what is malformed changes nothing. */
static void check_names(struct reader names) {
  while (names.at < names.end) take_name(&names);
}

/* What is gone already is as it is to be. */
static int clear_all(int folder, struct reader *names, struct answers *answers) {
  while (names->at < names->end)
    if (unlinkat(folder, take_name(names), 0) != 0 && errno != ENOENT) return failed(answers, "remove");
  return 0;
}

int clear_names(struct reader *request, struct answers *answers) {
  struct place place;
  struct stat status;
  take_place(request, &place);
  check_names(*request);
  int folder = open_place(&place, &status);
  if (folder < 0) return failed(answers, "open folder");
  note_written(folder);
  int error = clear_all(folder, request, answers);
  close(folder);
  return error;
}
