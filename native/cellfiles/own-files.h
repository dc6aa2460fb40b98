/* What an ordinary user owns and has shut against himself. */
#ifndef CELLFILES_OWN_FILES_H
#define CELLFILES_OWN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "frames.h"

/* Whether what the bits refuse here may be tried again by another, to whom they say nothing. */
bool may_try_again(const struct stat *status);
bool was_tried_again(void);

/*
 * Asks that one, and puts its answer in place of ours. False: there is none, or it is asked already, and our own refusal
 * stands. `serve` is what it does with what it is asked.
 */
bool try_again(const uint8_t *request, size_t length, struct answers *answers, void (*serve)(void));

#endif
