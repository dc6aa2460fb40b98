#define _GNU_SOURCE
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failure.h"
#include "message.h"
#include "seal.h"

/* SECURITY: without us nobody would end the cell. The look at the parent comes after the arming: it may be dead by
 * then, and no signal would come. */
static void die_with(pid_t init) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) cannot("arm init's death by", "PR_SET_PDEATHSIG");
  if (getppid() != init) fail(EXIT_UNSEALED, "start without", "init", ESRCH);
}

_Noreturn static void become_command(struct request request, const struct filter *filter, int report, pid_t init) {
  report_failures(report, request.id);
  request.report = report;
  die_with(init);
  if (request.folder != NULL && chdir(request.folder) != 0) cannot("change folder to", request.folder);
  seal_and_execute(&request, filter);
}

bool start_command(struct commands *commands, const struct request *request) {
  int report[2];
  if (commands->count == sizeof commands->running / sizeof commands->running[0]) {
    errno = EAGAIN;
    return false;
  }
  if (pipe2(report, O_CLOEXEC) != 0) return false;
  pid_t init = getpid();
  pid_t process = fork();
  if (process == 0) become_command(*request, commands->filter, report[1], init);
  int error = errno;
  close(report[1]);
  if (process < 0) {
    close(report[0]);
    errno = error;
    return false;
  }
  commands->running[commands->count++] = (struct command){.process = process, .id = request->id, .report = report[0]};
  return true;
}

void hear_report(struct command *command) {
  char byte;
  ssize_t length;
  if (command->report < 0) return;
  do length = read(command->report, &byte, 1);
  while (length < 0 && errno == EINTR);
  command->failed = length != 0;
  close(command->report);
  command->report = -1;
}

struct command *find_command(struct commands *commands, pid_t process) {
  for (size_t i = 0; i < commands->count; i++)
    if (commands->running[i].process == process) return &commands->running[i];
  return NULL;
}

static uint64_t microseconds(struct timeval time) { return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_usec; }

void say_ended(int control, const struct command *command, int status, const struct rusage *used) {
  struct say_ended message = {
      .say = SAY_ENDED,
      .id = command->id,
      .status = status,
      .cpu_us = microseconds(used->ru_utime) + microseconds(used->ru_stime),
      .max_rss_kb = (uint64_t)used->ru_maxrss,
  };
  /* A host that is gone needs no telling. */
  if (!command->failed) (void)send_message(control, &message, sizeof message);
}

/* ---- the host's message ---- */

/* As many of the cell's own variables as of strings. */
enum { STREAMS = 3, MAX_POINTERS = 1 + 2 * MAX_EXEC_STRINGS + 2 };

struct brought {
  struct say_exec message;
  size_t length; /* of its strings */
  int streams[STREAMS];
  size_t stream_count;
};

static void close_streams(struct brought *brought) {
  for (size_t i = 0; i < brought->stream_count; i++) close(brought->streams[i]);
}

/* musl's macro converts between signs, which is an error with our flags. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static struct cmsghdr *next_header(struct msghdr *packet, struct cmsghdr *header) { return CMSG_NXTHDR(packet, header); }
#pragma GCC diagnostic pop

/* The length is that of three exactly: the kernel closes what is above that, and says so. */
static void take_streams(struct brought *brought, struct msghdr *packet) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(packet); header != NULL; header = next_header(packet, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count && brought->stream_count < STREAMS; i++)
      memcpy(&brought->streams[brought->stream_count++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
  }
}

/* False when there is no whole message of a further command. */
static bool receive_exec(struct brought *brought, int control) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(STREAMS * sizeof(int))];
  } ancillary;
  struct iovec part = {&brought->message, sizeof brought->message};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary};
  /* Not CMSG_SPACE, which is rounded up: a fourth descriptor would fit, and stay open. */
  packet.msg_controllen = (socklen_t)CMSG_LEN(STREAMS * sizeof(int));
  brought->stream_count = 0;
  brought->message.say = 0;
  brought->message.id = 0;
  ssize_t length = recvmsg(control, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0) return false;
  take_streams(brought, &packet);
  size_t before_strings = offsetof(struct say_exec, strings);
  bool whole = (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && brought->stream_count == STREAMS &&
               (size_t)length > before_strings && brought->message.say == SAY_EXEC && brought->message.id != 0;
  brought->length = whole ? (size_t)length - before_strings : 0;
  return whole;
}

static bool is_given(const char *variable, char *const *given) {
  size_t length = strcspn(variable, "=");
  for (; *given != NULL; given++)
    if (strncmp(*given, variable, length) == 0 && (*given)[length] == '=') return true;
  return false;
}

/* What the cell was started with goes behind what is given and names none of it. False: it is too much. */
static bool add_environment(char **cells, char **given, size_t used, char **pointers) {
  for (; *cells != NULL; cells++) {
    if (is_given(*cells, given)) continue;
    if (used == MAX_POINTERS - 1) return false;
    pointers[used++] = *cells;
    pointers[used] = NULL;
  }
  return true;
}

/* One pointer a string, after `words` of them a NULL, and one at the end. The first one is execute()'s to overwrite. */
static bool split(struct brought *brought, char **pointers, struct request *request) {
  char *at = brought->message.strings, *end = at + brought->length;
  char **cells = request->environment;
  uint32_t words = brought->message.words, strings = 0;
  size_t used = 1;
  if (words == 0 || end[-1] != '\0') return false;
  if ((brought->message.flags & EXEC_FOLDER) != 0) {
    request->folder = at;
    at += strlen(at) + 1;
  }
  request->command = &pointers[used];
  for (; at < end; at += strlen(at) + 1) {
    if (strings == MAX_EXEC_STRINGS) return false;
    pointers[used++] = at;
    if (++strings != words) continue;
    pointers[used++] = NULL;
    request->environment = &pointers[used];
  }
  pointers[used] = NULL;
  if (strings < words) return false;
  return (brought->message.flags & EXEC_ENVIRONMENT) == 0 ||
         add_environment(cells, request->environment, used, pointers);
}

static bool is_running(struct commands *commands, uint32_t id) {
  for (size_t i = 0; i < commands->count; i++)
    if (commands->running[i].process > 0 && commands->running[i].id == id) return true;
  return false;
}

/* The place of one that has ended is free; the first one's never is. */
static void forget_ended(struct commands *commands) {
  for (size_t i = commands->count; i-- > 1;)
    if (commands->running[i].process < 0) commands->running[i] = commands->running[--commands->count];
}

void take_exec(struct commands *commands) {
  /* Large, and needed by few cells: not on the stack, and untouched until then. */
  static struct brought brought;
  static char *pointers[MAX_POINTERS];
  struct request request = *commands->request;
  bool whole = receive_exec(&brought, request.control);
  request.id = brought.message.id;
  memcpy(request.streams, brought.streams, sizeof request.streams);
  request.terminal = (brought.message.flags & EXEC_TERMINAL) != 0;
  request.rows = brought.message.rows;
  request.columns = brought.message.columns;
  forget_ended(commands);
  if (brought.message.say != SAY_EXEC || request.id == 0) {
    close_streams(&brought); /* nobody waits for an answer to it */
    return;
  }
  if (is_running(commands, request.id)) say_failed(request.id, "start a command under the id of another,", "exec", EEXIST);
  else if (!whole || !split(&brought, pointers, &request)) say_failed(request.id, "read the words of", "exec", EINVAL);
  else if (!start_command(commands, &request)) say_failed(request.id, "start", request.command[0], errno);
  close_streams(&brought);
}
