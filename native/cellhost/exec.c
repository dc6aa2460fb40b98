#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "control.h"
#include "further.h"
#include "life.h"
#include "terminal.h"
#include "text.h"

extern char **environ;

enum { EXIT_KILLED = 128 + SIGKILL };

struct client {
  const char *path;
  const char *folder; /* NULL: where the cell's first command started */
  int command_stderr;
  bool adds_environment;
  bool of_parent; /* what comes from a terminal, or from others, is the parent's to judge, and to send on */
  char **command;
  pid_t parent;
  int server, signals;
  struct terminal terminal;
};

static void read_exec_arguments(struct client *client, char **rest) {
  client->path = take_absolute(&rest, "exec");
  client->command_stderr = STDERR_FILENO;
  for (;;) {
    const char *flag = take(&rest, "exec");
    if (strcmp(flag, "--") == 0) break;
    if (strcmp(flag, "--folder") == 0) client->folder = take_absolute(&rest, flag);
    else if (strcmp(flag, "--stderr-fd") == 0) client->command_stderr = take_descriptor(&rest, flag);
    else if (strcmp(flag, "--terminal") == 0) client->terminal.wanted = true;
    else if (strcmp(flag, "--add-environment") == 0) client->adds_environment = true;
    else if (strcmp(flag, "--of-parent") == 0) client->of_parent = true;
    else misuse("unknown argument", flag);
  }
  if (*rest == NULL) misuse("missing value after argument", "--");
  client->command = rest;
}

static size_t add_string(struct say_exec *message, size_t length, const char *string) {
  size_t size = strlen(string) + 1;
  if (size > MAX_EXEC_BYTES - length) fail(EXIT_CANNOT, "too long a command, argument", string, E2BIG);
  memcpy(message->strings + length, string, size);
  return length + size;
}

static size_t add_strings(struct say_exec *message, size_t length, char **strings) {
  for (; *strings != NULL; strings++) length = add_string(message, length, *strings);
  return length;
}

static void add_size(struct say_exec *message, const struct client *client) {
  struct winsize size;
  if (ioctl(client->terminal.input, TIOCGWINSZ, &size) != 0) return;
  message->rows = size.ws_row;
  message->columns = size.ws_col;
}

/* Our own descriptors are the command's, and so is our environment; a terminal is the command's instead of them. */
static void ask(const struct client *client) {
  static struct say_exec message;
  bool has_terminal = client->terminal.wanted;
  int nothing = has_terminal ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
  const int own[] = {STDIN_FILENO, STDOUT_FILENO, client->command_stderr};
  const int none[] = {nothing, nothing, nothing};
  size_t length = 0;
  message.say = SAY_EXEC;
  message.flags = (uint8_t)((has_terminal ? EXEC_TERMINAL : 0) | (client->adds_environment ? EXEC_ENVIRONMENT : 0) |
                            (client->folder != NULL ? EXEC_FOLDER : 0));
  if (has_terminal) add_size(&message, client);
  if (client->folder != NULL) length = add_string(&message, length, client->folder);
  for (char **word = client->command; *word != NULL; word++) message.words++;
  length = add_strings(&message, add_strings(&message, length, client->command), environ);
  if (!send_with(client->server, &message, offsetof(struct say_exec, strings) + length, has_terminal ? none : own, 3))
    cannot("ask for a command at", client->path);
}

/* What would end us is the command's to judge, and what would stop us its own business. */
static int watch_signals(void) {
  static const int watched[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT,  SIGUSR1, SIGUSR2,
                                SIGALRM, SIGIO,   SIGCONT, SIGWINCH, SIGTSTP};
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++) sigaddset(&set, watched[i]);
  int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || descriptor < 0 || sigaction(SIGTTIN, &ignore, NULL) != 0 ||
      sigaction(SIGTTOU, &ignore, NULL) != 0)
    cannot("watch signals", "signalfd");
  return descriptor;
}

static void pass_on(struct client *client, const struct signalfd_siginfo *signal) {
  int number = (int)signal->ssi_signo;
  if (number == SIGCONT) continue_terminal(&client->terminal);
  if (number == SIGWINCH && client->terminal.wanted) return copy_size(&client->terminal);
  /* A terminal's has no sender. */
  if (client->of_parent && (pid_t)signal->ssi_pid != client->parent) return;
  struct say_signal said = {.say = SAY_SIGNAL, .number = (uint8_t)(number == SIGTSTP ? SIGSTOP : number)};
  send(client->server, &said, sizeof said, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void take_signals(struct client *client) {
  struct signalfd_siginfo signal;
  while (read(client->signals, &signal, sizeof signal) == sizeof signal) pass_on(client, &signal);
}

/* It may be the cell's word: nothing of it acts on a terminal. */
static _Noreturn void say_failure(const struct received *received, const char *path) {
  struct text step = {.length = 0};
  for (size_t i = 0; i < received->length - offsetof(struct say_failed, step); i++) {
    char byte = received->message.failed.step[i];
    add_byte(&step, byte >= ' ' && byte < 0x7f ? byte : '?');
  }
  add_byte(&step, '\0');
  fail(received->message.failed.code, step.bytes, path, received->message.failed.error);
}

static int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/* False after the last answer; then `*code` is the command's. */
static bool take_answer(struct client *client, int *code) {
  struct received received;
  enum reception reception = receive(client->server, &received);
  if (reception == NOTHING_RECEIVED) return true;
  bool is_whole = reception == MESSAGE_RECEIVED;
  if (is_whole && received.message.say == SAY_TERMINAL && take_master(&client->terminal, received.descriptors[0])) {
    start_raw(&client->terminal);
    return true;
  }
  finish_terminal(&client->terminal);
  if (is_whole && received.message.say == SAY_FAILED) say_failure(&received, client->path);
  if (!is_whole || received.message.say != SAY_ENDED)
    fail(EXIT_KILLED, "lose the cell at", client->path, ECONNRESET);
  *code = code_of(received.message.ended.status);
  return false;
}

static int serve_until_end(struct client *client) {
  struct pollfd watched[2 + TERMINAL_WATCHED];
  int code = 0;
  for (;;) {
    watched[0] = (struct pollfd){.fd = client->server, .events = POLLIN};
    watched[1] = (struct pollfd){.fd = client->signals, .events = POLLIN};
    watch_terminal(&client->terminal, watched + 2);
    if (poll(watched, 2 + TERMINAL_WATCHED, -1) <= 0) continue;
    if (watched[1].revents != 0) take_signals(client);
    serve_terminal(&client->terminal, watched + 2);
    if (watched[0].revents != 0 && !take_answer(client, &code)) return code;
  }
}

static int reach(const char *path) {
  int yes = 1;
  struct sockaddr_un address = socket_address(path);
  int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) != 0 ||
      setsockopt(server, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0)
    cannot("reach the cell at", path);
  return server;
}

int exec_further(char **arguments) {
  static struct client client;
  read_exec_arguments(&client, arguments);
  client.parent = getppid();
  die_with_parent(client.parent);
  fill_standard_descriptors();
  client.server = reach(client.path);
  client.signals = watch_signals();
  open_terminal(&client.terminal);
  ask(&client);
  return serve_until_end(&client);
}
