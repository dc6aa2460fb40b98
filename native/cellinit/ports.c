#define _GNU_SOURCE
#include "ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failure.h"
#include "message.h"

enum { HTTP_PORT = 3128, SOCKS_PORT = 1080 };

static int listen_on(uint16_t port) {
  const int yes = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons(port),
      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
  };
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening < 0) cannot("make a socket for port", port == HTTP_PORT ? "3128" : "1080");
  if (setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(listening, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listening, SOMAXCONN) != 0)
    cannot("listen on port", port == HTTP_PORT ? "3128" : "1080");
  return listening;
}

void hand_over_ports(int control) {
  struct say_listen message = {.say = SAY_LISTEN};
  int listening[] = {listen_on(HTTP_PORT), listen_on(SOCKS_PORT)};
  if (!send_descriptors(control, &message, sizeof message, listening, 2)) cannot("send listening sockets on", "control");
  close(listening[0]);
  close(listening[1]);
}
