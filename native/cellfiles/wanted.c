#include "wanted.h"

#include <stdint.h>
#include <string.h>

enum { SLOTS = 1024, MOST = 512, MOST_ENDINGS = 32, LONGEST = 255 };

struct name {
  const char *text;
  size_t length;
  unsigned as;
};

static struct {
  struct name slots[SLOTS];
  struct name endings[MOST_ENDINGS];
  size_t count, ending_count;
} wanted;

static size_t slot_of(const char *text, size_t length) {
  uint32_t hash = 2166136261U;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)text[i]) * 16777619U;
  return hash % SLOTS;
}

/* The name's own slot, or the free one where it would be. */
static struct name *find_slot(const char *text, size_t length) {
  size_t at = slot_of(text, length);
  while (wanted.slots[at].text != NULL &&
         (wanted.slots[at].length != length || memcmp(wanted.slots[at].text, text, length) != 0))
    at = (at + 1) % SLOTS;
  return &wanted.slots[at];
}

/* `e`, `l` and `t` before the name say what it is wanted as; a name that begins with `*` is an ending. */
static void take_one(struct reader *request) {
  size_t length;
  const char *text = take_text(request, &length);
  if (length < 2) malformed(request, "no name");
  unsigned as = text[0] == 'e' ? WANTED_ENTRY : text[0] == 'l' ? WANTED_LINK : text[0] == 't' ? WANTED_TREE : 0;
  if (as == 0) malformed(request, "a name that is wanted as nothing");
  if (text[1] == '*') {
    if (wanted.ending_count == MOST_ENDINGS) malformed(request, "too many endings");
    wanted.endings[wanted.ending_count++] = (struct name){text + 2, length - 2, as};
    return;
  }
  struct name *slot = find_slot(text + 1, length - 1);
  if (slot->text == NULL && ++wanted.count > MOST) malformed(request, "too many names");
  *slot = (struct name){text + 1, length - 1, slot->as | as};
}

void take_wanted(struct reader *request) {
  memset(&wanted, 0, sizeof wanted);
  while (request->at != request->end) take_one(request);
}

/*
 * Folds what is plain ASCII. False for what a file system or a program might read as a plain name all the same: other
 * characters, and the ends and separators that some drop.
 */
static bool fold(const char *name, size_t length, char *folded) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)name[i];
    if (c <= ' ' || c >= 0x7f || c == ':' || c == '~' || c == '\\') return false;
    folded[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : (char)c;
  }
  return name[length - 1] != '.';
}

unsigned wanted_as(const char *name, size_t length) {
  char folded[LONGEST + 1];
  if (length == 0 || length > LONGEST || !fold(name, length, folded))
    return WANTED_ENTRY | WANTED_LINK | WANTED_TREE;
  unsigned as = find_slot(folded, length)->as;
  for (size_t i = 0; i < wanted.ending_count; i++) {
    const struct name *ending = &wanted.endings[i];
    if (length >= ending->length && memcmp(folded + length - ending->length, ending->text, ending->length) == 0)
      as |= ending->as;
  }
  return as;
}
