/*
 * cellinit: what happens inside a cell just before the command, and in the direct tunnel around it.
 *
 *   cellinit seal OPTIONS -- COMMAND ARGS...   seals itself, waits for go, becomes the command
 *   cellinit init OPTIONS -- COMMAND ARGS...   makes the listening sockets, starts the command in a sealed process,
 *                                              reaps, and ends the cell when the command has ended
 * OPTIONS
 *   --control-fd N           the socket to cellhost (../protocol.h)
 *   --filter-fd N            the second seccomp filter, raw
 *   --landlock-required      no Landlock in this kernel, no command; or
 *   --landlock-optional      go on without, and say so
 *   --landlock-read PATH     may be read and executed, with all beneath; one that is not there is passed over
 *   --landlock-write PATH    may be changed in every way
 *   --rlimit NAME=VALUE      nproc, nofile, core, fsize; lowered, never raised
 *   --stderr-fd N            becomes the command's 2 just before exec
 *   --uid-check              refuse to start as root, or with another identity in reserve
 *   --terminal               give the command a terminal of its own, whose master goes to cellhost
 *
 * Failures are said on the control socket, or on stderr when there is none yet:
 *
 *   cellinit: STEP "VALUE": DESCRIPTION (errno NUMBER)
 *
 * Exit codes: 125 not sealed, so the command never ran; 126 not executable, 127 not found; else the command's own.
 * No stdio and no heap: it is handed into every cell, so it stays small.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "descriptors.h"
#include "failure.h"
#include "filter.h"
#include "init.h"
#include "privileges.h"
#include "request.h"
#include "seal.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the system call numbers in these files are those of x86_64 and aarch64"
#endif

static struct request request;
static struct filter filter;

/* What both sub-commands begin with: from here on nothing is open that was not asked for. */
static void begin(void) {
  fill_standard_descriptors();
  close_on_exec(request.control, "--control-fd");
  close_on_exec(request.filter, "--filter-fd");
  if (request.command_stderr >= 0) close_on_exec(request.command_stderr, "--stderr-fd");
  say_failures_on(request.control);
  int kept[] = {request.control, request.filter, request.command_stderr};
  close_all_but(kept, sizeof kept / sizeof kept[0]);
  hide_from_tracers();
  read_filter(&filter, request.filter);
}

int main(int count, char **words, char **environment) {
  if (count < 2) misuse("missing sub-command", "seal or init");
  const char *name = words[1];
  bool as_init = strcmp(name, "init") == 0;
  if (!as_init && strcmp(name, "seal") != 0) misuse("unknown sub-command", name);
  read_request(&request, words + 2);
  request.environment = environment;
  begin();
  if (as_init) run_as_init(&request, &filter);
  seal_and_execute(&request, &filter);
}
