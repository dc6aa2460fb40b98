/*
 * Node's channel: lines of JSON, as child_process writes and reads them on a descriptor that NODE_CHANNEL_FD names.
 *
 * What is said is queued, so that a Node that does not read never holds up the answering of the cell or the killing of
 * it. The queue is bounded: what may be left out is said only while there is room for what may not.
 */
#ifndef CELLHOST_CHANNEL_H
#define CELLHOST_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MAX_QUEUE = 128 * 1024,
  ROOM_FOR_ENDINGS = 16 * 1024, /* the messages that must not be left out are few and small */
  MAX_ORDER = 64,
  MAX_HANDLES = 2,
};

enum order_kind { ORDER_GO, ORDER_KILL, ORDER_SIGNAL, ORDER_WINDOW };

struct order {
  enum order_kind kind;
  unsigned first, second; /* the signal; rows and columns */
};

struct channel {
  int descriptor; /* -1: Node is gone */
  char queue[MAX_QUEUE];
  size_t queued;
  size_t line;   /* where the line that is being written began */
  bool overflow; /* it did not fit */
  char input[1024];
  size_t received, read;
  char word[MAX_ORDER];
  size_t word_length; /* MAX_ORDER: too long to be an order */
  struct {
    const char *name;
    int descriptor;
  } handles[MAX_HANDLES];
  size_t handles_count, handles_sent;
  bool acknowledgement_due;
};

/* Takes over the descriptor that the environment names, and takes the name out of the environment. */
void open_channel(struct channel *channel);
void close_channel(struct channel *channel);

/* Reads what is there; false when the other end is gone. */
bool fill_channel(struct channel *channel);
/* The next order of what was read; false when there is none. */
bool next_order(struct channel *channel, struct order *order);

/* A line: begin, fields, end. */
void begin_line(struct channel *channel, const char *type);
void add_field(struct channel *channel, const char *key, const char *text, size_t length);
void add_number_field(struct channel *channel, const char *key, long long number);
void add_raw(struct channel *channel, const char *json);
void end_line(struct channel *channel);

/* Whether a line of so many bytes may be said that can also be left out. */
bool has_room(const struct channel *channel, size_t bytes);

/* Hands a socket over to Node, after everything that was said before. Takes the descriptor. */
void send_handle(struct channel *channel, const char *name, int descriptor);
bool handles_delivered(const struct channel *channel);
/* Closes those that Node was not sent yet. */
void withhold_handles(struct channel *channel);

/* Writes as much as goes without waiting; false when the other end is gone. */
bool flush_channel(struct channel *channel);
bool has_unsent(const struct channel *channel);

#endif
