#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cell.h"
#include "text.h"

enum { MESSAGES_AT_ONCE = 16 };

static bool has_option(int descriptor, int option, int value) {
  int found = -1;
  socklen_t length = sizeof found;
  return getsockopt(descriptor, SOL_SOCKET, option, &found, &length) == 0 && found == value;
}

/* Node takes what it is handed for a TCP socket that listens, so it had better be one. */
static bool is_listening(int descriptor) {
  return (has_option(descriptor, SO_DOMAIN, AF_INET) || has_option(descriptor, SO_DOMAIN, AF_INET6)) &&
         has_option(descriptor, SO_TYPE, SOCK_STREAM) && has_option(descriptor, SO_ACCEPTCONN, 1);
}

static bool take_listen(struct cell *cell, struct received *received) {
  if (cell->listens || cell->sealed) return false;
  for (size_t i = 0; i < received->descriptors_count; i++)
    if (!is_listening(received->descriptors[i])) return false;
  cell->listens = true;
  send_handle(&cell->channel, "http", received->descriptors[0]);
  send_handle(&cell->channel, "socks", received->descriptors[1]);
  received->descriptors_count = 0;
  return true;
}

static bool take_further_sealed(struct cell *cell, struct received *received) {
  struct further_command *command = find_further(&cell->further, received->message.sealed.id);
  if (command == NULL || command->handle >= 0 || !is_inside(&cell->processes, received->sender)) return false;
  if (!may_add_listener(&cell->notifier, received->descriptors[0])) return false;
  if (!seal_further(command, received->sender)) return false;
  add_listener(&cell->notifier, received->descriptors[0]);
  received->descriptors_count = 0;
  return true;
}

/* The last word on a further command. */
static bool take_further_end(struct cell *cell, uint32_t id, const struct received *received) {
  struct further_command *command = find_further(&cell->further, id);
  if (command == NULL) return false;
  conclude(command, received);
  return true;
}

static bool take_sealed(struct cell *cell, struct received *received) {
  if (received->message.sealed.id != 0) return take_further_sealed(cell, received);
  if (cell->sealed || cell->killing) return false;
  if (!may_add_listener(&cell->notifier, received->descriptors[0])) return false;
  if (!know_command(&cell->processes, received->sender)) {
    /* It would wait for go for ever. */
    cell->killing = true;
    return false;
  }
  add_listener(&cell->notifier, received->descriptors[0]);
  received->descriptors_count = 0;
  cell->landlock = received->message.sealed.landlock;
  cell->sealed = true;
  return true;
}

static bool take_failed(struct cell *cell, const struct received *received) {
  const struct say_failed *said = &received->message.failed;
  struct text error = {.length = 0};
  if (said->id != 0) return take_further_end(cell, said->id, received);
  if (cell->failed || said->code < 125 || said->code > 127) return false;
  cell->failed = true;
  add_error_name(&error, said->error);
  begin_line(&cell->channel, "failed");
  add_field(&cell->channel, "step", said->step, received->length - offsetof(struct say_failed, step));
  add_field(&cell->channel, "errno", error.bytes, error.length);
  add_number_field(&cell->channel, "code", said->code);
  end_line(&cell->channel);
  return true;
}

/* Numbers beyond these are no times and sizes of this world, and Node reads no more digits exactly. */
#define MOST_TOLD (1ULL << 53)

static bool take_ended(struct cell *cell, const struct received *received) {
  struct say_ended said = received->message.ended;
  if (said.id != 0) return take_further_end(cell, said.id, received);
  if (cell->ended || !cell->went || said.cpu_us > MOST_TOLD || said.max_rss_kb > MOST_TOLD) return false;
  cell->ended = true;
  begin_line(&cell->channel, "exit");
  add_number_field(&cell->channel, "status", said.status);
  add_number_field(&cell->channel, "cpuUs", (long long)said.cpu_us);
  add_number_field(&cell->channel, "maxRssKb", (long long)said.max_rss_kb);
  end_line(&cell->channel);
  return true;
}

static bool take_further_terminal(struct cell *cell, const struct received *received) {
  struct further_command *command = find_further(&cell->further, received->message.terminal.id);
  return command != NULL && is_inside(&cell->processes, received->sender) && hand_terminal(command, received);
}

static bool take_terminal(struct cell *cell, struct received *received) {
  if (received->message.terminal.id != 0) return take_further_terminal(cell, received);
  if (cell->sealed) return false;
  if (!take_master(&cell->terminal, received->descriptors[0])) return false;
  received->descriptors_count = 0;
  return true;
}

static bool take_message(struct cell *cell, struct received *received) {
  switch (received->message.say) {
    case SAY_LISTEN: return take_listen(cell, received);
    case SAY_TERMINAL: return take_terminal(cell, received);
    case SAY_SEALED: return take_sealed(cell, received);
    case SAY_FAILED: return take_failed(cell, received);
    case SAY_ENDED: return take_ended(cell, received);
    default: return false;
  }
}

/* Once, for the cell could fill the log with it. */
static void tell_dropped(struct cell *cell) {
  if (cell->told_dropped) return;
  cell->told_dropped = true;
  complain(&cell->complaints, &cell->channel, "cellhost: drop a message of the cell that is out of place");
}

bool read_messages(struct cell *cell) {
  struct received received;
  int count = 0;
  for (; count < MESSAGES_AT_ONCE && cell->control >= 0; count++) {
    enum reception reception = receive(cell->control, &received);
    if (reception == NOTHING_RECEIVED) break;
    if (reception == CONTROL_ENDED) {
      close(cell->control);
      cell->control = -1;
      break;
    }
    if (reception == MESSAGE_DROPPED || !take_message(cell, &received)) tell_dropped(cell);
    close_received(&received);
  }
  return count > 0;
}
