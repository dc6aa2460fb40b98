#define _GNU_SOURCE
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "failure.h"

/* A host that has gone away is an error to look at, not a SIGPIPE. */
static bool send_packet(int control, const struct msghdr *packet) {
  for (;;) {
    ssize_t sent = sendmsg(control, packet, MSG_NOSIGNAL);
    if (sent >= 0) {
      errno = EMSGSIZE;
      return (size_t)sent == packet->msg_iov->iov_len;
    }
    if (errno != EINTR) return false;
  }
}

bool send_message(int control, const void *bytes, size_t length) {
  struct iovec part = {(void *)(uintptr_t)bytes, length};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  return send_packet(control, &packet);
}

bool send_descriptors(int control, const void *bytes, size_t length, const int *descriptors, size_t count) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(MAX_SENT * sizeof(int))];
  } ancillary;
  struct iovec part = {(void *)(uintptr_t)bytes, length};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  if (count == 0 || count > MAX_SENT) {
    errno = EINVAL;
    return false;
  }
  memset(&ancillary, 0, sizeof ancillary);
  packet.msg_control = &ancillary;
  packet.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
  ancillary.header.cmsg_level = SOL_SOCKET;
  ancillary.header.cmsg_type = SCM_RIGHTS;
  ancillary.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(&ancillary.header), descriptors, count * sizeof(int));
  return send_packet(control, &packet);
}

/* No room is given for descriptors, so the kernel closes whatever comes with the packet. */
void await_go(int control) {
  char packet[2];
  for (;;) {
    ssize_t length = recv(control, packet, sizeof packet, 0);
    if (length == 1 && packet[0] == SAY_GO) return;
    if (length == 0) fail(EXIT_UNSEALED, "wait for go, but the host is gone from", "control", EPIPE);
    if (length > 0) fail(EXIT_UNSEALED, "wait for go, but something else came on", "control", EPROTO);
    if (errno != EINTR) cannot("wait for go on", "control");
  }
}
