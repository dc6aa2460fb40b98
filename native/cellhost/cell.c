#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "identity.h"
#include "layer-locks.h"
#include "text.h"

enum { KILL_AGAIN_MS = 20 };

/* Where each is in the list of what is watched. */
enum {
  AT_ENTERED,
  AT_CHANNEL,
  AT_SIGNALS,
  AT_CONTROL,
  AT_COMPLAINTS,
  AT_TERMINAL,
  AT_FURTHER = AT_TERMINAL + TERMINAL_WATCHED,
  AT_LISTENERS = AT_FURTHER + FURTHER_WATCHED,
  MAX_WATCHED = AT_LISTENERS + MAX_LISTENERS,
};

static void end_everything(struct cell *cell) {
  cell->killing = true;
  /* Who waits for go sees the end of the socket, and ends, too, wherever it hangs in the tree. */
  if (cell->sealed || cell->control < 0) return;
  close(cell->control);
  cell->control = -1;
}

static void lose_node(struct cell *cell) {
  close_channel(&cell->channel);
  end_everything(cell);
}

/* SECURITY: the command must not run before it is sealed and everything is handed over, whatever Node says. */
static void go(struct cell *cell) {
  if (!cell->told_ready || cell->went || cell->killing) return;
  start_raw(&cell->terminal);
  cell->went = send_go(cell->control);
}

static void follow(struct cell *cell, const struct order *order) {
  switch (order->kind) {
    case ORDER_GO: return go(cell);
    case ORDER_KILL: return end_everything(cell);
    case ORDER_SIGNAL: return signal_command(&cell->processes, (int)order->first);
    case ORDER_WINDOW: return set_size(&cell->terminal, order->first, order->second);
  }
}

static void listen_to_node(struct cell *cell) {
  struct order order;
  if (!fill_channel(&cell->channel)) return lose_node(cell);
  while (next_order(&cell->channel, &order)) follow(cell, &order);
}

/* SECURITY: from here on, what parses the cell's messages is nobody to the host. */
static void give_up_root(struct cell *cell) {
  char nothing;
  if (read(cell->entered, &nothing, 1) < 0 && errno == EINTR) return;
  close(cell->entered);
  cell->entered = -1;
  if (cell->uid == 0) return;
  drop_to(cell->uid, cell->gid);
}

/* SIGCHLD needs nothing done about it: whoever ended is reaped in each round. */
static void take_signals(struct cell *cell) {
  struct signalfd_siginfo signal;
  while (read(cell->signals, &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGWINCH) copy_size(&cell->terminal);
    if (signal.ssi_signo == SIGCONT) continue_terminal(&cell->terminal);
  }
}

static void tell_ready(struct cell *cell) {
  if (!cell->sealed || cell->told_ready || !handles_delivered(&cell->channel)) return;
  cell->told_ready = true;
  begin_line(&cell->channel, "ready");
  add_number_field(&cell->channel, "pid", cell->processes.first);
  add_number_field(&cell->channel, "command", cell->processes.command);
  add_number_field(&cell->channel, "landlock", cell->landlock);
  end_line(&cell->channel);
}

static size_t watch(const struct cell *cell, struct pollfd *watched) {
  /* Nothing of the cell is looked at by root. */
  bool is_root = cell->entered >= 0;
  bool may_complain = may_read_complaints(&cell->complaints, &cell->channel);
  short to_node = has_unsent(&cell->channel) ? POLLIN | POLLOUT : POLLIN;
  watched[AT_ENTERED] = (struct pollfd){.fd = cell->entered, .events = POLLIN};
  watched[AT_CHANNEL] = (struct pollfd){.fd = cell->channel.descriptor, .events = to_node};
  watched[AT_SIGNALS] = (struct pollfd){.fd = cell->signals, .events = POLLIN};
  watched[AT_CONTROL] = (struct pollfd){.fd = is_root ? -1 : cell->control, .events = POLLIN};
  watched[AT_COMPLAINTS] = (struct pollfd){.fd = may_complain ? cell->complaints.descriptor : -1, .events = POLLIN};
  watch_terminal(&cell->terminal, watched + AT_TERMINAL);
  watch_further(&cell->further, !is_root, watched + AT_FURTHER);
  for (size_t i = 0; i < cell->notifier.count; i++)
    watched[AT_LISTENERS + i] = (struct pollfd){.fd = cell->notifier.listeners[i], .events = POLLIN};
  return AT_LISTENERS + cell->notifier.count;
}

static void serve(struct cell *cell, const struct pollfd *watched, size_t count) {
  if (watched[AT_ENTERED].revents != 0) give_up_root(cell);
  if (watched[AT_SIGNALS].revents != 0) take_signals(cell);
  if ((watched[AT_CHANNEL].revents & ~POLLOUT) != 0) listen_to_node(cell);
  if (watched[AT_CONTROL].revents != 0) read_messages(cell);
  if (watched[AT_COMPLAINTS].revents != 0) read_complaints(&cell->complaints, &cell->channel);
  serve_terminal(&cell->terminal, watched + AT_TERMINAL);
  serve_further(&cell->further, watched + AT_FURTHER, cell->went && !cell->killing ? cell->control : -1);
  /* Backwards: one that has ended is replaced by the last, which was served before it. */
  for (size_t i = count; i-- > AT_LISTENERS;)
    if (watched[i].revents != 0)
      serve_listener(&cell->notifier, i - AT_LISTENERS, watched[i].revents, &cell->channel);
}

static void wait_and_serve(struct cell *cell) {
  struct pollfd watched[MAX_WATCHED];
  tell_ready(cell);
  if (!flush_channel(&cell->channel)) lose_node(cell);
  /* bwrap's child waits for bwrap in its first moment, and is not tied to it yet. */
  if (cell->processes.child_ended && !cell->went) cell->killing = true;
  if (cell->killing) kill_all(&cell->processes);
  size_t count = watch(cell, watched);
  if (poll(watched, (nfds_t)count, cell->killing ? KILL_AGAIN_MS : -1) > 0) serve(cell, watched, count);
}

static void tell_end(struct cell *cell) {
  struct rusage used;
  memset(&used, 0, sizeof used);
  getrusage(RUSAGE_CHILDREN, &used);
  long long seconds = (long long)used.ru_utime.tv_sec + used.ru_stime.tv_sec;
  tell_total(&cell->notifier, &cell->channel);
  begin_line(&cell->channel, "end");
  add_number_field(&cell->channel, "status", cell->processes.child_status);
  add_number_field(&cell->channel, "cpuUs", seconds * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  add_number_field(&cell->channel, "maxRssKb", used.ru_maxrss);
  end_line(&cell->channel);
}

/* Waits for Node to read on; false when it is gone. */
static bool flush_or_wait(struct cell *cell) {
  struct order ignored;
  if (cell->channel.descriptor < 0 || !flush_channel(&cell->channel)) return false;
  if (!has_unsent(&cell->channel)) return true;
  struct pollfd node = {.fd = cell->channel.descriptor, .events = POLLIN | POLLOUT};
  if (poll(&node, 1, -1) < 0) return errno == EINTR;
  if ((node.revents & ~POLLOUT) == 0) return true;
  if (!fill_channel(&cell->channel)) return false;
  while (next_order(&cell->channel, &ignored)) continue;
  return true;
}

/*
 * Node's library takes our end for the end of everything when it comes before a descriptor's message was read: what was
 * said after that message would be lost, as the reason of a failed start. So we stay until Node has it.
 */
static void await_acknowledgement(struct cell *cell) {
  struct order ignored;
  while (cell->channel.descriptor >= 0 && cell->channel.acknowledgement_due) {
    struct pollfd node = {.fd = cell->channel.descriptor, .events = POLLIN};
    if (poll(&node, 1, -1) < 0 && errno != EINTR) return;
    if (node.revents != 0 && !fill_channel(&cell->channel)) return;
    while (next_order(&cell->channel, &ignored)) continue;
  }
}

/* What was said last still lies in the sockets and pipes of the dead. */
static void finish(struct cell *cell) {
  release_layers(cell->layers);
  while (read_messages(cell)) continue;
  for (bool more = true; more;) {
    more = may_read_complaints(&cell->complaints, &cell->channel)
               ? cell->complaints.descriptor >= 0 && read_complaints(&cell->complaints, &cell->channel)
               : flush_or_wait(cell);
  }
  finish_terminal(&cell->terminal);
  withhold_handles(&cell->channel);
  tell_end(cell);
  while (has_unsent(&cell->channel) && flush_or_wait(cell)) continue;
  await_acknowledgement(cell);
  close_channel(&cell->channel);
}

void look_after(struct cell *cell) {
  while (reap(&cell->processes)) wait_and_serve(cell);
  finish(cell);
}
