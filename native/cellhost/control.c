#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

void open_control(int ends[2]) {
  int yes = 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) cannot("make the control socket", "socketpair");
  if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0)
    cannot("ask for the senders' identities", "SO_PASSCRED");
}

void close_received(struct received *received) {
  for (size_t i = 0; i < received->descriptors_count; i++) close(received->descriptors[i]);
  received->descriptors_count = 0;
}

/* Descriptors that do not fit are closed here and not kept; false when there were any. */
static bool take_descriptors(struct received *received, const struct cmsghdr *header) {
  size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  bool all = true;
  for (size_t i = 0; i < count; i++) {
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
    if (received->descriptors_count < MAX_BROUGHT) {
      received->descriptors[received->descriptors_count++] = descriptor;
      continue;
    }
    close(descriptor);
    all = false;
  }
  return all;
}

/* musl's macro converts between signs, which is an error with our flags. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static struct cmsghdr *next_header(struct msghdr *message, struct cmsghdr *header) {
  return header == NULL ? CMSG_FIRSTHDR(message) : CMSG_NXTHDR(message, header);
}
#pragma GCC diagnostic pop

static bool take_attached(struct received *received, struct msghdr *message) {
  bool all = (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  for (struct cmsghdr *header = NULL; (header = next_header(message, header)) != NULL;) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) all = take_descriptors(received, header) && all;
    if (header->cmsg_type != SCM_CREDENTIALS) continue;
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(header), sizeof sender);
    received->sender = sender.pid;
  }
  return all;
}

/* How long a message of its kind is, and how many descriptors it brings. */
static bool has_its_shape(const struct received *received) {
  size_t length = received->length, brought = received->descriptors_count;
  switch (received->message.say) {
    case SAY_SEALED: return length == sizeof(struct say_sealed) && brought == 1;
    case SAY_LISTEN: return length == sizeof(struct say_listen) && brought == 2;
    case SAY_TERMINAL: return length == sizeof(struct say_terminal) && brought == 1;
    case SAY_ENDED: return length == sizeof(struct say_ended) && brought == 0;
    case SAY_FAILED: return length > offsetof(struct say_failed, step) && brought == 0;
    default: return false;
  }
}

enum reception receive(int socket, struct received *received) {
  /* Room for one descriptor more than any message brings; the kernel itself closes what does not even fit here. */
  union {
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE((MAX_BROUGHT + 1) * sizeof(int))];
    struct cmsghdr header;
  } control;
  memset(received, 0, sizeof *received);
  struct iovec part = {.iov_base = &received->message, .iov_len = sizeof received->message};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0) return errno == EAGAIN || errno == EINTR ? NOTHING_RECEIVED : CONTROL_ENDED;
  /* An empty message says who sent it; the end of the socket does not. */
  if (length == 0 && message.msg_controllen == 0) return CONTROL_ENDED;
  received->length = (size_t)length;
  bool whole = take_attached(received, &message);
  if (whole && length > 0 && received->sender > 0 && has_its_shape(received)) return MESSAGE_RECEIVED;
  close_received(received);
  return MESSAGE_DROPPED;
}

bool send_go(int socket) {
  const char go = SAY_GO;
  return send(socket, &go, sizeof go, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof go;
}

bool send_with(int socket, const void *bytes, size_t length, const int *descriptors, size_t count) {
  union {
    char bytes[CMSG_SPACE(3 * sizeof(int))];
    struct cmsghdr header;
  } attached;
  size_t size = count * sizeof(int);
  memset(&attached, 0, sizeof attached);
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = attached.bytes,
                           .msg_controllen = (socklen_t)CMSG_SPACE(size)};
  attached.header.cmsg_level = SOL_SOCKET;
  attached.header.cmsg_type = SCM_RIGHTS;
  attached.header.cmsg_len = (socklen_t)CMSG_LEN(size);
  memcpy(CMSG_DATA(&attached.header), descriptors, size);
  return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}
