#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "control.h"
#include "further.h"
#include "life.h"
#include "text.h"

extern char **environ;

enum { EXIT_KILLED = 128 + SIGKILL };

static size_t add_strings(struct say_exec *message, size_t length, char **strings) {
  for (; *strings != NULL; strings++) {
    size_t size = strlen(*strings) + 1;
    if (size > MAX_EXEC_BYTES - length) fail(EXIT_CANNOT, "too long a command, argument", *strings, E2BIG);
    memcpy(message->strings + length, *strings, size);
    length += size;
  }
  return length;
}

/* Our own three descriptors are the command's, and so is our environment. */
static void ask(int server, const char *path, char **command) {
  static struct say_exec message;
  const int streams[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  union {
    char bytes[CMSG_SPACE(sizeof streams)];
    struct cmsghdr header;
  } attached;
  memset(&attached, 0, sizeof attached);
  message.say = SAY_EXEC;
  for (char **word = command; *word != NULL; word++) message.words++;
  size_t length = add_strings(&message, add_strings(&message, 0, command), environ);
  struct iovec part = {.iov_base = &message, .iov_len = offsetof(struct say_exec, strings) + length};
  struct msghdr packet = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = attached.bytes, .msg_controllen = sizeof attached.bytes};
  attached.header.cmsg_level = SOL_SOCKET;
  attached.header.cmsg_type = SCM_RIGHTS;
  attached.header.cmsg_len = CMSG_LEN(sizeof streams);
  memcpy(CMSG_DATA(&attached.header), streams, sizeof streams);
  if (sendmsg(server, &packet, MSG_NOSIGNAL) < 0) cannot("ask for a command at", path);
}

/* What would end us is the command's to judge. */
static int take_signals(void) {
  static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
  sigset_t watched;
  sigemptyset(&watched);
  for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) sigaddset(&watched, passed_on[i]);
  int descriptor = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (sigprocmask(SIG_BLOCK, &watched, NULL) != 0 || descriptor < 0) cannot("watch signals", "signalfd");
  return descriptor;
}

static void pass_signals_on(int signals, int server) {
  struct signalfd_siginfo signal;
  while (read(signals, &signal, sizeof signal) == sizeof signal) {
    struct say_signal said = {.say = SAY_SIGNAL, .number = (uint8_t)signal.ssi_signo};
    send(server, &said, sizeof said, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

static int read_answer(int server, const char *path) {
  union message message;
  struct text step = {.length = 0};
  ssize_t length = recv(server, &message, sizeof message, 0);
  if (length == (ssize_t)sizeof message.ended && message.say == SAY_ENDED) {
    int status = message.ended.status;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  if (length <= (ssize_t)offsetof(struct say_failed, step) || message.say != SAY_FAILED)
    fail(EXIT_KILLED, "lose the cell at", path, ECONNRESET);
  for (size_t i = 0; i < (size_t)length - offsetof(struct say_failed, step); i++) {
    char byte = message.failed.step[i];
    /* It may be the cell's word: nothing of it acts on a terminal. */
    add_byte(&step, byte >= ' ' && byte < 0x7f ? byte : '?');
  }
  add_byte(&step, '\0');
  fail(message.failed.code, step.bytes, path, message.failed.error);
}

int exec_further(char **arguments) {
  const char *path = take_absolute(&arguments, "exec");
  if (strcmp(take(&arguments, "exec"), "--") != 0) misuse("unknown argument", arguments[-1]);
  if (*arguments == NULL) misuse("missing value after argument", "--");
  struct sockaddr_un address = socket_address(path);
  die_with_parent(getppid());
  fill_standard_descriptors();
  int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) != 0)
    cannot("reach the cell at", path);
  int signals = take_signals();
  ask(server, path, arguments);
  for (;;) {
    struct pollfd watched[] = {{.fd = server, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    if (poll(watched, 2, -1) <= 0) continue;
    if (watched[1].revents != 0) pass_signals_on(signals, server);
    if (watched[0].revents != 0) return read_answer(server, path);
  }
}
