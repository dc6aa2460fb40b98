/* The second seccomp filter, which comes as a raw array of struct sock_filter on a descriptor. */
#ifndef CELLINIT_FILTER_H
#define CELLINIT_FILTER_H

#include <stdint.h>

/* Not a struct of the kernel's headers, which musl has not: the same eight bytes. */
struct instruction {
  uint16_t code;
  uint8_t if_true, if_false;
  uint32_t operand;
};

enum { MAX_INSTRUCTIONS = 4096 };

struct filter {
  unsigned short count;
  struct instruction instructions[MAX_INSTRUCTIONS];
};

void read_filter(struct filter *filter, int descriptor);

/* Returns the listener on which its refusals are asked about. */
int install_filter(const struct filter *filter);

#endif
