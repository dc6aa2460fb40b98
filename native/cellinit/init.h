/* The cell's init in the direct tunnel. */
#ifndef CELLINIT_INIT_H
#define CELLINIT_INIT_H

#include "filter.h"
#include "request.h"

_Noreturn void run_as_init(const struct request *request, const struct filter *filter);

#endif
