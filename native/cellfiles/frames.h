/* Requests as they come and answers as they go, each within a buffer of a fixed size. */
#ifndef CELLFILES_FRAMES_H
#define CELLFILES_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

enum { MAX_REQUEST = 2 * MAX_PATH + 256, OUTPUT = 256 * 1024 };

struct requests {
  size_t start, end;
  uint8_t bytes[MAX_REQUEST + 4];
};

struct answers {
  size_t length;   /* what has not been written yet */
  size_t complete; /* as much of it as are whole frames */
  size_t frame;    /* where the answer's current frame began */
  bool parted;     /* a part of the answer is a frame of its own already, and perhaps written */
  const char *step;
  uint8_t bytes[OUTPUT];
};

/* What is left of one request. */
struct reader {
  uint8_t *at, *end;
  struct answers *answers; /* to what came before it */
};

/* Whoever asks in another language than ours is not answered any more. */
_Noreturn void malformed(const struct reader *reader, const char *what);

/* Waits for a request, and lets the answers go before it does; false at the end of the input. */
bool next_request(struct requests *requests, struct answers *answers, struct reader *request);

uint8_t take_u8(struct reader *reader);
uint16_t take_u16(struct reader *reader);
uint32_t take_u32(struct reader *reader);
uint64_t take_u64(struct reader *reader);
/* A text without a NUL in it, and with one behind it. */
char *take_text(struct reader *reader, size_t *length);
/* A text that is one name in a folder: no way to another. */
char *take_name(struct reader *reader);
void take_end(const struct reader *reader);

void begin_answer(struct answers *answers);
/* Forgets what of the current frame there is. */
void start_answer_again(struct answers *answers);
void put(struct answers *answers, const void *bytes, size_t length);
void put_u8(struct answers *answers, uint8_t number);
void put_u16(struct answers *answers, uint16_t number);
void put_u32(struct answers *answers, uint32_t number);
void put_u64(struct answers *answers, uint64_t number);
void put_text(struct answers *answers, const char *text, size_t length);
/* Room in the buffer itself, at most half of it; what of it was filled is counted by `took`. */
uint8_t *make_room(struct answers *answers, size_t length);
void took(struct answers *answers, size_t length);
void finish_answer(struct answers *answers, uint8_t kind);

/* The step that failed, and errno as it is now: what an operation returns then. */
int failed(struct answers *answers, const char *step);
int failed_by(struct answers *answers, const char *step, int error);
void refuse(struct answers *answers, int error);

#endif
