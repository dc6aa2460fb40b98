/* Refused calls of the cell: answered at once, and told once for each call and program. */
#ifndef CELLHOST_NOTIFY_H
#define CELLHOST_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

enum { MAX_LISTENERS = 64, MAX_DENIALS = 200, COMM_BYTES = 16 };

struct notifier {
  int listeners[MAX_LISTENERS];
  size_t count;
  unsigned long long total;
  struct {
    int call;
    uint32_t architecture;
    char comm[COMM_BYTES];
  } told[MAX_DENIALS];
  size_t told_count;
};

/* False when it is no listener, or one too many. */
bool may_add_listener(const struct notifier *notifier, int descriptor);
/* Takes the descriptor. */
void add_listener(struct notifier *notifier, int descriptor);

/* Answers what waits at a listener, and not more than a bounded number of calls; takes it away when it has ended. */
void serve_listener(struct notifier *notifier, size_t index, short events, struct channel *channel);

/* How many there were in all. */
void tell_total(const struct notifier *notifier, struct channel *channel);

#endif
