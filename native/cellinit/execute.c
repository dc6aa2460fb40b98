#define _GNU_SOURCE
#include "execute.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

static int execute_file(char *file, char **command, char **environment) {
  static char shell[] = "/bin/sh";
  execve(file, command, environment);
  if (errno != ENOEXEC) return errno;
  command[-1] = shell;
  command[0] = file;
  execve(shell, command - 1, environment);
  return errno;
}

static const char *path_of(char **environment) {
  for (; *environment != NULL; environment++)
    if (strncmp(*environment, "PATH=", strlen("PATH=")) == 0) return *environment + strlen("PATH=");
  return default_path;
}

/* An empty part of PATH is the working directory, as everywhere. False: too long to be a path at all. */
static bool join(char *file, const char *folder, size_t length, const char *name) {
  size_t name_length = strlen(name);
  if (length + 1 + name_length + 1 > PATH_MAX) return false;
  memcpy(file, folder, length);
  if (length > 0) file[length++] = '/';
  memcpy(file + length, name, name_length + 1);
  return true;
}

/* Errors that say something of one part of PATH, and nothing of the others. */
static bool concerns_one_folder(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ENAMETOOLONG || error == ENODEV ||
         error == ESTALE || error == ETIMEDOUT;
}

/* EACCES may also speak of a folder on the way that nobody can look into: nothing was found there. */
static bool is_file(const char *file) {
  struct stat status;
  return stat(file, &status) == 0 && !S_ISDIR(status.st_mode);
}

int execute(char **command, char **environment) {
  char file[PATH_MAX];
  char *name = command[0];
  bool refused = false;
  if (strchr(name, '/') != NULL) return execute_file(name, command, environment);
  if (*name == '\0') return ENOENT;
  for (const char *folder = path_of(environment); ;) {
    size_t length = strcspn(folder, ":");
    if (join(file, folder, length, name)) {
      int error = execute_file(file, command, environment);
      if (!concerns_one_folder(error)) return error;
      refused = refused || (error == EACCES && is_file(file));
    }
    if (folder[length] == '\0') return refused ? EACCES : ENOENT;
    folder += length + 1;
  }
}
