/* What the command line asks for; the same for both sub-commands. */
#ifndef CELLINIT_REQUEST_H
#define CELLINIT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum { MAX_PATHS = 512, MAX_LIMITS = 4 };

struct landlock_path {
  const char *path;
  bool writable;
};

struct limit {
  const char *name;
  int resource;
  rlim_t most;
};

enum landlock_need { LANDLOCK_UNSAID, LANDLOCK_REQUIRED, LANDLOCK_OPTIONAL };

struct request {
  int control;
  int filter;
  int command_stderr; /* becomes the command's 2 just before exec; -1: it keeps ours */
  enum landlock_need landlock;
  bool check_ids;
  bool terminal;
  struct landlock_path paths[MAX_PATHS];
  size_t path_count;
  struct limit limits[MAX_LIMITS];
  size_t limit_count;
  uint32_t id; /* of the command: 0 for the cell's first, which waits for go */
  int streams[3]; /* for the command's 0 to 2, or -1: what is there already */
  uint16_t rows, columns; /* of its terminal; 0: the host sets them */
  const char *folder; /* where it starts; NULL: where we are */
  int report;  /* where init hears of a failure, or -1; closed by exec */
  char **command; /* NULL at its end; the word before it is ours and may be overwritten */
  char **environment;
};

/* Reads OPTIONS -- COMMAND ARGS..., or says what is wrong with them and ends with 125. */
void read_request(struct request *request, char **rest);

#endif
