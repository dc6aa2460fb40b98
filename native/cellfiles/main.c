/*
 * cellfiles: what Workcell does to a person's folders, and Node has no call for.
 *
 *   cellfiles trusted|user|own ROOT_DIR...
 *
 * Each root is opened once; every path is resolved below its root's descriptor, through no link. The first word says in
 * which extended attributes overlayfs keeps its marks: in `trusted.overlay.*`, or mounted by a user in `user.overlay.*`. A
 * program in a cell can set the other kind, which therefore means nothing. In `own` layers, which Workcell made without
 * overlayfs, none means anything: whatever has such a layer's whiteouts can make a pipe.
 *
 * Requests come on stdin and are answered on stdout, in order; protocol.h says how. It holds no policy, ends with the end
 * of stdin, and dies with whoever started it: what that one had asked for is not carried out behind its back.
 *
 * What is no request ends it with one line on stderr, as does anything else that is wrong with it itself:
 *
 *   cellfiles: STEP "VALUE": DESCRIPTION (errno NAME)
 *
 * No stdio and no heap: whatever is large is read and told in pieces.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cellhost/life.h"
#include "../cellhost/text.h"
#include "frames.h"
#include "operations.h"
#include "own-files.h"
#include "roots.h"

const char program_name[] = "cellfiles";

typedef int operation(struct reader *request, struct answers *answers);

static operation *take_operation(struct reader *request) {
  switch (take_u8(request)) {
    case ASK_STAT: return stat_place;
    case ASK_LOOK: return look_at_names;
    case ASK_LIST: return list_folder;
    case ASK_READ: return read_file;
    case ASK_COMPARE: return compare_files;
    case ASK_COPY: return copy_entry;
    case ASK_COPIES: return copy_files;
    case ASK_FOLDER: return make_folder;
    case ASK_LINK: return link_file;
    case ASK_ATTRIBUTES: return set_attributes;
    case ASK_EXCHANGE: return exchange_entries;
    case ASK_REPLACE: return replace_entry;
    case ASK_RENAME: return rename_entry;
    case ASK_REMOVE: return remove_entry;
    case ASK_CLEAR: return clear_names;
    case ASK_WHITEOUT: return make_whiteout;
    case ASK_SYNC: return sync_root;
    case ASK_FIND: return find_names;
    default: malformed(request, "unknown operation");
  }
}

/* A key that ends Workcell goes to us too, and Workcell may have a step to finish: it ends us when it has. */
static void outlive_the_terminal(void) {
  static const int signals[] = {SIGINT, SIGQUIT, SIGHUP, SIGPIPE};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) signal(signals[i], SIG_IGN);
}

/* What the bits refuse to the owner; and what another has written is to be on the disk as well. */
static bool is_for_another(uint8_t asked, int error, const struct answers *answers) {
  if (error == EACCES) return !answers->parted;
  return error == 0 && asked == ASK_SYNC && was_tried_again();
}

/* One process and its second, never both at once, and each with a copy of its own. */
static struct requests requests;
static struct answers answers;

static void serve_another(void);

static void serve(void) {
  struct reader request;
  while (next_request(&requests, &answers, &request)) {
    uint8_t *whole = request.at;
    operation *operate = take_operation(&request);
    begin_answer(&answers);
    int error = operate(&request, &answers);
    if (is_for_another(*whole, error, &answers) &&
        try_again(whole, (size_t)(request.end - whole), &answers, serve_another)) continue;
    if (error == 0) finish_answer(&answers, ANSWER_DONE);
    else refuse(&answers, error);
  }
}

/* With nothing of what the first was asked. */
static void serve_another(void) {
  requests.start = requests.end = 0;
  answers.length = answers.complete = 0;
  serve();
}

int main(int count, char **words) {
  fill_standard_descriptors();
  outlive_the_terminal();
  die_with_parent(getppid());
  umask(0);
  if (count < 3) misuse("missing argument", count < 2 ? "trusted, user or own" : "ROOT_DIR");
  open_roots(words + 1);
  begin_answer(&answers);
  finish_answer(&answers, ANSWER_DONE);
  serve();
  return 0;
}
