#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

/* The kernel's interface, stated here because musl has none of it. */
struct call_data {
  int call;
  uint32_t architecture;
  uint64_t instruction, arguments[6];
};

struct notification {
  uint64_t id;
  uint32_t pid, flags;
  struct call_data data;
};

struct answer {
  uint64_t id;
  int64_t value;
  int32_t error;
  uint32_t flags;
};

struct notification_sizes {
  uint16_t notification, answer, data;
};

#define SECCOMP_ASK_SIZES 3U
#define NOTIFICATION_RECEIVE _IOWR('!', 0, struct notification)
#define NOTIFICATION_ANSWER _IOWR('!', 1, struct answer)
#define NOTIFICATION_IS_VALID _IOW('!', 2, uint64_t)

/* A newer kernel writes its own, longer structure. */
union notification_space {
  struct notification notification;
  char bytes[1024];
};
union answer_space {
  struct answer answer;
  char bytes[1024];
};

/* libc's own takes the number as an int, which half of these do not fit. */
static int control_listener(int listener, unsigned long request, void *data) {
  return (int)syscall(SYS_ioctl, listener, request, data);
}

enum { ROUNDS_AT_ONCE = 64, ROOM_FOR_DENIAL = 1024 };

static bool sizes_fit(void) {
  struct notification_sizes sizes;
  return syscall(SYS_seccomp, SECCOMP_ASK_SIZES, 0U, &sizes) == 0 &&
         sizes.notification <= sizeof(union notification_space) && sizes.answer <= sizeof(union answer_space);
}

/* A listener alone answers so to a number that no notification has. */
static bool is_listener(int descriptor) {
  uint64_t nobody = 0;
  int found;
  do found = control_listener(descriptor, NOTIFICATION_IS_VALID, &nobody);
  while (found != 0 && errno == EINTR);
  return found != 0 && errno == ENOENT;
}

bool may_add_listener(const struct notifier *notifier, int descriptor) {
  return notifier->count < MAX_LISTENERS && sizes_fit() && is_listener(descriptor);
}

void add_listener(struct notifier *notifier, int descriptor) { notifier->listeners[notifier->count++] = descriptor; }

static void drop_listener(struct notifier *notifier, size_t index) {
  close(notifier->listeners[index]);
  notifier->listeners[index] = notifier->listeners[--notifier->count];
}

/* The program's name, cut as the kernel cuts it; "?" when the process is gone, or another has its number by now. */
static void read_comm(int listener, const struct notification *notification, char comm[COMM_BYTES]) {
  struct text path = {.length = 0};
  add(&path, "/proc/");
  add_number(&path, notification->pid);
  add(&path, "/comm");
  add_byte(&path, '\0');
  memset(comm, 0, COMM_BYTES);
  int file = open(path.bytes, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, comm, COMM_BYTES);
  if (file >= 0) close(file);
  if (length > 0 && comm[length - 1] == '\n') comm[length - 1] = '\0';
  uint64_t id = notification->id;
  if (length > 0 && control_listener(listener, NOTIFICATION_IS_VALID, &id) == 0) return;
  memset(comm, 0, COMM_BYTES);
  comm[0] = '?';
}

static bool was_told(const struct notifier *notifier, const struct call_data *data, const char *comm) {
  for (size_t i = 0; i < notifier->told_count; i++)
    if (notifier->told[i].call == data->call && notifier->told[i].architecture == data->architecture &&
        memcmp(notifier->told[i].comm, comm, COMM_BYTES) == 0)
      return true;
  return false;
}

static void tell_architecture(struct channel *channel, uint32_t architecture) {
  static const struct {
    uint32_t number;
    const char *name;
  } names[] = {{0xc000003eU, "x86_64"}, {0xc00000b7U, "aarch64"}, {0x40000003U, "i386"}, {0x40000028U, "arm"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].number == architecture) add_field(channel, "arch", names[i].name, strlen(names[i].name));
}

static void tell_denial(struct channel *channel, const struct notification *notification, const char *comm) {
  begin_line(channel, "deny");
  add_number_field(channel, "nr", notification->data.call);
  tell_architecture(channel, notification->data.architecture);
  /* As text: a number of JSON holds 53 bits. */
  add_raw(channel, ",\"args\":[");
  for (size_t i = 0; i < 6; i++) {
    struct text number = {.length = 0};
    add(&number, i == 0 ? "\"" : ",\"");
    add_number(&number, notification->data.arguments[i]);
    add(&number, "\"");
    add_byte(&number, '\0');
    add_raw(channel, number.bytes);
  }
  add_raw(channel, "]");
  add_number_field(channel, "pid", notification->pid);
  add_field(channel, "comm", comm, strnlen(comm, COMM_BYTES));
  end_line(channel);
}

static void record_denial(struct notifier *notifier, int listener, const struct notification *notification,
                          struct channel *channel) {
  char comm[COMM_BYTES];
  notifier->total++;
  /* Told later, when Node has read on: not marked as told now. */
  if (notifier->told_count == MAX_DENIALS || !has_room(channel, ROOM_FOR_DENIAL)) return;
  read_comm(listener, notification, comm);
  if (was_told(notifier, &notification->data, comm)) return;
  size_t at = notifier->told_count++;
  notifier->told[at].call = notification->data.call;
  notifier->told[at].architecture = notification->data.architecture;
  memcpy(notifier->told[at].comm, comm, COMM_BYTES);
  tell_denial(channel, notification, comm);
}

/* The kernel waits for the next call when there is none, so it is asked only after a look that does not wait. */
static bool is_waiting(int listener) {
  struct pollfd look = {.fd = listener, .events = POLLIN};
  return poll(&look, 1, 0) == 1 && (look.revents & POLLIN) != 0;
}

/* False when the listener is of no use any more. */
static bool answer_one(struct notifier *notifier, int listener, struct channel *channel) {
  union notification_space space;
  union answer_space reply;
  memset(&space, 0, sizeof space);
  memset(&reply, 0, sizeof reply);
  /* ENOENT: the caller was killed while it waited. */
  if (control_listener(listener, NOTIFICATION_RECEIVE, &space) != 0) return errno == ENOENT || errno == EINTR;
  record_denial(notifier, listener, &space.notification, channel);
  reply.answer.id = space.notification.id;
  reply.answer.error = -EPERM;
  return control_listener(listener, NOTIFICATION_ANSWER, &reply) == 0 || errno == ENOENT;
}

void serve_listener(struct notifier *notifier, size_t index, short events, struct channel *channel) {
  int listener = notifier->listeners[index];
  bool is_useful = (events & (POLLHUP | POLLERR | POLLNVAL)) == 0 || (events & POLLIN) != 0;
  for (int round = 0; is_useful && round < ROUNDS_AT_ONCE && is_waiting(listener); round++)
    is_useful = answer_one(notifier, listener, channel);
  if (!is_useful) drop_listener(notifier, index);
}

void tell_total(const struct notifier *notifier, struct channel *channel) {
  if (notifier->total == 0) return;
  begin_line(channel, "denied");
  add_number_field(channel, "count", (long long)notifier->total);
  end_line(channel);
}
