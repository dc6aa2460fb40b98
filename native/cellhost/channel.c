#define _GNU_SOURCE
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arguments.h"
#include "text.h"

extern char **environ;

/* ---- opening --------------------------------------------------------------------------------------------------- */

static void forget_variable(const char *name) {
  size_t length = strlen(name);
  char **to = environ;
  for (char **from = environ; *from != NULL; from++)
    if (strncmp(*from, name, length) != 0 || (*from)[length] != '=') *to++ = *from;
  *to = NULL;
}

void open_channel(struct channel *channel) {
  const char *number = getenv("NODE_CHANNEL_FD");
  const char *mode = getenv("NODE_CHANNEL_SERIALIZATION_MODE");
  if (number == NULL) misuse("missing variable", "NODE_CHANNEL_FD");
  if (mode != NULL && strcmp(mode, "json") != 0) misuse("not a mode (json) of the channel, variable", mode);
  channel->descriptor = (int)number_between("not a descriptor, variable", number, 3, INT_MAX - 1);
  if (fcntl(channel->descriptor, F_SETFD, FD_CLOEXEC) != 0) cannot("use channel", number);
  /* The cell's programs would take it for a channel of their own. */
  forget_variable("NODE_CHANNEL_FD");
  forget_variable("NODE_CHANNEL_SERIALIZATION_MODE");
}

void close_channel(struct channel *channel) {
  for (; channel->handles_sent < channel->handles_count; channel->handles_sent++)
    close(channel->handles[channel->handles_sent].descriptor);
  if (channel->descriptor >= 0) close(channel->descriptor);
  channel->descriptor = -1;
}

/* ---- orders ---------------------------------------------------------------------------------------------------- */

bool fill_channel(struct channel *channel) {
  if (channel->read < channel->received) return true;
  ssize_t got = recv(channel->descriptor, channel->input, sizeof channel->input, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  channel->read = 0;
  channel->received = (size_t)got;
  return got > 0;
}

/* Reads digits up to `most`; false when there are none, or too many. */
static bool read_digits(const char **at, unsigned most, unsigned *number) {
  const char *start = *at;
  for (*number = 0; **at >= '0' && **at <= '9'; (*at)++) {
    *number = *number * 10 + (unsigned)(**at - '0');
    if (*number > most) return false;
  }
  return *at > start;
}

static bool is_signal(const char *word, struct order *order) {
  const char *at = word + 2;
  order->kind = ORDER_SIGNAL;
  return strncmp(word, "\"s", 2) == 0 && read_digits(&at, 64, &order->first) && order->first > 0 &&
         strcmp(at, "\"") == 0;
}

static bool is_window(const char *word, struct order *order) {
  const char *at = word + 2;
  order->kind = ORDER_WINDOW;
  return strncmp(word, "\"w", 2) == 0 && read_digits(&at, USHRT_MAX, &order->first) && *at++ == 'x' &&
         read_digits(&at, USHRT_MAX, &order->second) && strcmp(at, "\"") == 0;
}

static void acknowledge(struct channel *channel) {
  if (!channel->acknowledgement_due) return;
  channel->acknowledgement_due = false;
  close(channel->handles[channel->handles_sent].descriptor);
  channel->handles_sent++;
}

/* Whole lines are compared, and what is none of these is nothing: there is no parser to be misled. */
static bool understand(struct channel *channel, const char *word, struct order *order) {
  if (strcmp(word, "{\"cmd\":\"NODE_HANDLE_ACK\"}") == 0) acknowledge(channel);
  /* Node got the line without its descriptor: it is sent once more. */
  else if (strcmp(word, "{\"cmd\":\"NODE_HANDLE_NACK\"}") == 0) channel->acknowledgement_due = false;
  else if (strcmp(word, "\"g\"") == 0) order->kind = ORDER_GO;
  else if (strcmp(word, "\"k\"") == 0) order->kind = ORDER_KILL;
  else return is_signal(word, order) || is_window(word, order);
  return word[0] == '"';
}

bool next_order(struct channel *channel, struct order *order) {
  while (channel->read < channel->received) {
    char byte = channel->input[channel->read++];
    if (byte != '\n') {
      if (channel->word_length < MAX_ORDER) channel->word[channel->word_length++] = byte;
      continue;
    }
    size_t length = channel->word_length;
    channel->word_length = 0;
    if (length == MAX_ORDER) continue;
    channel->word[length] = '\0';
    /* After a NUL inside, the rest of the line would go unseen. */
    if (strlen(channel->word) != length) continue;
    *order = (struct order){.kind = ORDER_GO};
    if (understand(channel, channel->word, order)) return true;
  }
  return false;
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static void put(struct channel *channel, char byte) {
  if (channel->queued < MAX_QUEUE) channel->queue[channel->queued++] = byte;
  else channel->overflow = true;
}

void add_raw(struct channel *channel, const char *json) {
  while (*json != '\0') put(channel, *json++);
}

/* Every byte that is not plain ASCII becomes the character of that number, so that any bytes make valid JSON. */
static void put_string(struct channel *channel, const char *text, size_t length) {
  static const char hex[] = "0123456789abcdef";
  put(channel, '"');
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
      put(channel, text[i]);
      continue;
    }
    add_raw(channel, "\\u00");
    put(channel, hex[byte >> 4]);
    put(channel, hex[byte & 15]);
  }
  put(channel, '"');
}

void begin_line(struct channel *channel, const char *type) {
  channel->line = channel->queued;
  channel->overflow = false;
  add_raw(channel, "{\"t\":");
  put_string(channel, type, strlen(type));
}

static void add_key(struct channel *channel, const char *key) {
  put(channel, ',');
  put_string(channel, key, strlen(key));
  put(channel, ':');
}

void add_field(struct channel *channel, const char *key, const char *text, size_t length) {
  add_key(channel, key);
  put_string(channel, text, length);
}

void add_number_field(struct channel *channel, const char *key, long long number) {
  struct text digits = {.length = 0};
  if (number < 0) add_byte(&digits, '-');
  add_number(&digits, number < 0 ? 0UL - (unsigned long)number : (unsigned long)number);
  add_byte(&digits, '\0');
  add_key(channel, key);
  add_raw(channel, digits.bytes);
}

void end_line(struct channel *channel) {
  add_raw(channel, "}\n");
  /* A part of a line would spoil the next one. */
  if (channel->overflow || channel->descriptor < 0) channel->queued = channel->line;
}

bool has_room(const struct channel *channel, size_t bytes) {
  return channel->queued + bytes + ROOM_FOR_ENDINGS <= MAX_QUEUE;
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

void send_handle(struct channel *channel, const char *name, int descriptor) {
  if (channel->handles_count == MAX_HANDLES || channel->descriptor < 0) {
    close(descriptor);
    return;
  }
  channel->handles[channel->handles_count].name = name;
  channel->handles[channel->handles_count].descriptor = descriptor;
  channel->handles_count++;
}

bool handles_delivered(const struct channel *channel) { return channel->handles_sent == channel->handles_count; }

void withhold_handles(struct channel *channel) {
  size_t kept = channel->handles_sent + (channel->acknowledgement_due ? 1 : 0);
  while (channel->handles_count > kept) close(channel->handles[--channel->handles_count].descriptor);
}

static bool may_send_handle(const struct channel *channel) {
  return channel->queued == 0 && !channel->acknowledgement_due && !handles_delivered(channel);
}

bool has_unsent(const struct channel *channel) { return channel->queued > 0 || may_send_handle(channel); }

/* Node knows the line by "NODE_HANDLE" and takes the descriptor that came with it; then it acknowledges. */
static ssize_t write_handle(struct channel *channel) {
  struct text line = {.length = 0};
  add(&line, "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"t\":\"listen\",\"name\":\"");
  add(&line, channel->handles[channel->handles_sent].name);
  add(&line, "\"}}\n");
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr header;
  } control = {.bytes = {0}};
  struct iovec part = {.iov_base = line.bytes, .iov_len = line.length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &channel->handles[channel->handles_sent].descriptor, sizeof(int));
  ssize_t wrote = sendmsg(channel->descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (wrote < 0) return wrote;
  channel->acknowledgement_due = true;
  /* What is left of the line, which has taken the descriptor along with its beginning, goes the usual way. */
  channel->queued = line.length - (size_t)wrote;
  memcpy(channel->queue, line.bytes + wrote, channel->queued);
  return wrote;
}

static ssize_t write_queue(struct channel *channel) {
  ssize_t wrote = send(channel->descriptor, channel->queue, channel->queued, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (wrote < 0) return wrote;
  channel->queued -= (size_t)wrote;
  memmove(channel->queue, channel->queue + wrote, channel->queued);
  return wrote;
}

bool flush_channel(struct channel *channel) {
  while (channel->descriptor >= 0 && has_unsent(channel)) {
    ssize_t wrote = channel->queued > 0 ? write_queue(channel) : write_handle(channel);
    if (wrote < 0 && errno != EINTR) return errno == EAGAIN;
  }
  return true;
}
