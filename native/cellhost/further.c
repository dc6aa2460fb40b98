#define _GNU_SOURCE
#include "further.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "text.h"

enum { STREAMS = 3 };

/* By the folder, opened: an address holds a hundred bytes, and a person's state folder may lie deeper. */
struct sockaddr_un socket_address(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct text folder = {.length = 0}, name = {.length = 0};
  const char *last = strrchr(path, '/');
  if (strlen(path) >= PATH_MAX) fail(EXIT_CANNOT, "too long a path, argument", "socket", ENAMETOOLONG);
  for (const char *at = path; at <= last; at++) add_byte(&folder, *at);
  add_byte(&folder, '\0');
  int opened = open(folder.bytes, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) cannot("open folder", folder.bytes);
  add(&name, "/proc/self/fd/");
  add_number(&name, (unsigned long)opened);
  add(&name, last);
  if (name.length >= sizeof address.sun_path) fail(EXIT_CANNOT, "too long for a socket, argument", path, ENAMETOOLONG);
  memcpy(address.sun_path, name.bytes, name.length);
  return address;
}

void open_further(struct further *further, const char *path) {
  further->listener = -1;
  further->owner = geteuid();
  for (size_t i = 0; i < MAX_FURTHER; i++) further->commands[i] = (struct further_command){.client = -1, .handle = -1};
  if (path == NULL) return;
  struct sockaddr_un address = socket_address(path);
  further->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* From its beginning nobody else's: a mode that is set afterwards comes too late. */
  mode_t before = umask(0177);
  if (further->listener < 0 || bind(further->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(further->listener, MAX_FURTHER) != 0)
    cannot("listen at", path);
  umask(before);
}

/* ---- ends ------------------------------------------------------------------------------------------------------ */

static void forget(struct further_command *command) {
  if (command->client >= 0) close(command->client);
  if (command->handle >= 0) close(command->handle);
  *command = (struct further_command){.client = -1, .handle = -1};
}

/* A client that does not read is none. */
static void answer(const struct further_command *command, const void *bytes, size_t length) {
  if (command->client >= 0) send(command->client, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void refuse(struct further_command *command, int error, const char *step) {
  struct say_failed said = {.say = SAY_FAILED, .code = EXIT_CANNOT, .error = (uint8_t)error};
  size_t length = strnlen(step, MAX_STEP);
  memcpy(said.step, step, length);
  answer(command, &said, offsetof(struct say_failed, step) + length);
  forget(command);
}

void conclude(struct further_command *command, const struct received *received) {
  answer(command, &received->message, received->length);
  forget(command);
}

struct further_command *find_further(struct further *further, uint32_t id) {
  for (size_t i = 0; id != 0 && i < MAX_FURTHER; i++)
    if (further->commands[i].id == id) return &further->commands[i];
  return NULL;
}

void signal_further(struct further_command *command, int number) {
  if (command->handle < 0 && command->pending != SIGKILL) command->pending = (uint8_t)number;
  if (command->handle < 0 || syscall(NR_PIDFD_SEND_SIGNAL, command->handle, 0, NULL, 0U) != 0) return;
  if (kill(-command->process, number) != 0 && errno == ESRCH)
    syscall(NR_PIDFD_SEND_SIGNAL, command->handle, number, NULL, 0U);
}

bool hand_terminal(struct further_command *command, const struct received *received) {
  if (!command->wants_terminal || command->handle >= 0 || command->client < 0) return false;
  command->wants_terminal = false;
  return send_with(command->client, &received->message, received->length, received->descriptors, 1);
}

bool seal_further(struct further_command *command, pid_t process) {
  command->handle = (int)syscall(NR_PIDFD_OPEN, process, 0U);
  if (command->handle < 0) return false;
  command->process = process;
  if (command->pending != 0) signal_further(command, command->pending);
  return true;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

union streams {
  char bytes[CMSG_SPACE(STREAMS * sizeof(int))];
  struct cmsghdr header;
};

struct asked {
  struct say_exec message;
  size_t length;
  int streams[STREAMS];
  size_t streams_count;
};

static void close_streams(struct asked *asked) {
  for (size_t i = 0; i < asked->streams_count; i++) close(asked->streams[i]);
  asked->streams_count = 0;
}

/* 1: there is a message, 0: not yet, -1: the client is gone. */
static int read_request(int client, struct asked *asked) {
  union streams control;
  struct iovec part = {.iov_base = &asked->message, .iov_len = sizeof asked->message};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t length = recvmsg(client, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  asked->streams_count = 0;
  if (length < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  if (length == 0) return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    asked->streams_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(asked->streams, CMSG_DATA(header), asked->streams_count * sizeof(int));
  }
  asked->length = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? 0 : (size_t)length;
  return 1;
}

/* SECURITY: from a folder of the host's, a cell would walk up to all the others. */
static bool is_folder_among(const struct asked *asked) {
  struct stat status;
  for (size_t i = 0; i < asked->streams_count; i++)
    if (fstat(asked->streams[i], &status) != 0 || S_ISDIR(status.st_mode)) return true;
  return false;
}

static uint32_t next_id(struct further *further) {
  do further->last_id++;
  while (further->last_id == 0 || find_further(further, further->last_id) != NULL);
  return further->last_id;
}

static void take_request(struct further *further, struct further_command *command, struct asked *asked, int control) {
  bool is_request = asked->length > offsetof(struct say_exec, strings) && asked->message.say == SAY_EXEC &&
                    asked->message.id == 0 && asked->streams_count == STREAMS;
  if (!is_request) return refuse(command, EPROTO, "ask for a command");
  if (is_folder_among(asked)) return refuse(command, EISDIR, "hand a folder to the cell");
  if (control < 0) return refuse(command, ESRCH, "ask a cell that has no command running");
  asked->message.id = next_id(further);
  if (!send_with(control, &asked->message, asked->length, asked->streams, STREAMS))
    return refuse(command, errno, "ask the cell");
  command->id = asked->message.id;
  command->wants_terminal = (asked->message.flags & EXEC_TERMINAL) != 0;
}

static void take_signal(struct further_command *command, const struct asked *asked) {
  struct say_signal said;
  if (asked->length != sizeof said || asked->streams_count != 0) return;
  memcpy(&said, &asked->message, sizeof said);
  if (said.say == SAY_SIGNAL && said.number > 0 && said.number <= 64) signal_further(command, said.number);
}

/* Whoever asked is gone, and with it whoever could end the command. */
static void lose_client(struct further_command *command) {
  close(command->client);
  command->client = -1;
  signal_further(command, SIGKILL);
  if (command->id == 0) forget(command);
}

static void serve_client(struct further *further, struct further_command *command, int control) {
  static struct asked asked;
  int got = read_request(command->client, &asked);
  if (got < 0) return lose_client(command);
  if (got == 0) return;
  if (command->id == 0) take_request(further, command, &asked, control);
  else take_signal(command, &asked);
  close_streams(&asked);
}

static struct further_command *free_place(struct further *further) {
  for (size_t i = 0; i < MAX_FURTHER; i++)
    if (further->commands[i].client < 0 && further->commands[i].id == 0) return &further->commands[i];
  return NULL;
}

static void take_client(struct further *further) {
  struct further_command *command = free_place(further);
  int client = accept4(further->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  struct ucred peer = {.uid = (uid_t)-1};
  socklen_t length = sizeof peer;
  bool is_known = getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
  /* SECURITY: the socket's mode says so, too; but a mode can be changed. */
  if (command == NULL || !is_known || (peer.uid != further->owner && peer.uid != 0)) close(client);
  else command->client = client;
}

void watch_further(const struct further *further, bool may_ask, struct pollfd watched[FURTHER_WATCHED]) {
  watched[0] = (struct pollfd){.fd = may_ask ? further->listener : -1, .events = POLLIN};
  for (size_t i = 0; i < MAX_FURTHER; i++)
    watched[i + 1] = (struct pollfd){.fd = further->commands[i].client, .events = POLLIN};
}

void serve_further(struct further *further, const struct pollfd watched[FURTHER_WATCHED], int control) {
  for (size_t i = 0; i < MAX_FURTHER; i++)
    if (watched[i + 1].revents != 0 && further->commands[i].client == watched[i + 1].fd)
      serve_client(further, &further->commands[i], control);
  if (watched[0].revents != 0) take_client(further);
}
