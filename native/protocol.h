/*
 * The control socket between cellinit (in the cell) and cellhost (outside): an AF_UNIX SOCK_SEQPACKET pair, one
 * message a packet, numbers in the machine's own byte order. The cell's end is descriptor CONTROL_DESCRIPTOR in the
 * process that cellhost starts.
 *
 * Nothing that a message says of its sender is believed: the pid comes with SCM_CREDENTIALS, which the kernel fills in
 * for every packet, since cellhost's end has SO_PASSCRED. A message of another size, or with another number of
 * descriptors than is stated here, is dropped as a whole and its descriptors are closed.
 *
 * Order, from the cell:  [LISTEN] [TERMINAL] SEALED  (go)  [FAILED]  [ENDED]
 *   Before go: FAILED instead of SEALED. After go, in the process that becomes the command: FAILED when exec fails;
 *   the socket is close-on-exec there, so that a command that runs cannot speak. LISTEN and ENDED come from the direct
 *   tunnel's init only.
 */
#ifndef WORKCELL_PROTOCOL_H
#define WORKCELL_PROTOCOL_H

#include <stdint.h>

enum { CONTROL_DESCRIPTOR = 7 };

/* The first byte of a message. */
enum {
  SAY_SEALED = 'S',   /* cell -> host: struct say_sealed, 1 descriptor: the filter's listener */
  SAY_LISTEN = 'L',   /* cell -> host: struct say_listen, 2 descriptors: the listening sockets of http, socks */
  SAY_TERMINAL = 'T', /* cell -> host: struct say_terminal, 1 descriptor: the master of the command's terminal */
  SAY_FAILED = 'F',   /* cell -> host: struct say_failed, cut after the step's last byte (no NUL), no descriptor */
  SAY_ENDED = 'X',    /* cell -> host: struct say_ended, no descriptor */
  SAY_GO = 'g',       /* host -> cell: this one byte */
  SAY_EXEC = 'E',     /* host -> cell: struct say_exec, cut after its last string, 3 descriptors: stdin, stdout, stderr */
};

/* `id` is 0 for the cell's first command, and the number that SAY_EXEC gave for a further one. */
struct say_sealed {
  uint8_t say;
  uint8_t landlock; /* the ABI that was applied, 0: none */
  uint32_t id;
} __attribute__((packed));

struct say_listen {
  uint8_t say;
} __attribute__((packed));

struct say_terminal {
  uint8_t say;
  uint32_t id;
} __attribute__((packed));

enum { MAX_STEP = 160 };

struct say_failed {
  uint8_t say;
  uint8_t code;  /* 125 could not seal, 126 not executable, 127 not found */
  uint8_t error; /* errno */
  uint32_t id;
  char step[MAX_STEP]; /* what was tried, for a person: at least one byte, as many as there are */
} __attribute__((packed));

struct say_ended {
  uint8_t say;
  uint32_t id;
  int32_t status; /* as wait() gives it */
  uint64_t cpu_us;
  uint64_t max_rss_kb;
} __attribute__((packed));

/*
 * A further command for a live cell, from the direct tunnel's init on. It needs no go: the message is one. The process
 * that is to become it says [TERMINAL] SEALED and, when it cannot, FAILED with this id; ENDED comes when it has ended,
 * unless it had failed. What it uses is said without that of the processes it leaves behind.
 */
enum { MAX_EXEC_BYTES = 128 * 1024, MAX_EXEC_STRINGS = 4096, MAX_EXEC_COMMANDS = 64 };

enum {
  EXEC_TERMINAL = 1,    /* a terminal of its own is its 0 to 2, and the descriptors are not used */
  EXEC_ENVIRONMENT = 2, /* the strings are added to what the cell was started with, and replace what has their names */
  EXEC_FOLDER = 4,      /* a string before all others is where it starts */
};

struct say_exec {
  uint8_t say;
  uint32_t id;    /* never 0, and of no command that still runs */
  uint32_t words; /* how many of the strings are the command's words, at least 1; the others are its environment */
  uint8_t flags;
  uint16_t rows, columns; /* of its terminal */
  char strings[MAX_EXEC_BYTES]; /* each with its NUL; the message is cut after the last one */
} __attribute__((packed));

#endif
