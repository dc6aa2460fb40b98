/* Descriptors that are nobody's business in a cell. */
#ifndef CELLINIT_DESCRIPTORS_H
#define CELLINIT_DESCRIPTORS_H

#include <stddef.h>

/* A closed 0, 1 or 2 would be taken by the first thing opened here, and handed to the command as its own. */
void fill_standard_descriptors(void);

/* Closes all above 2 but these, which are sorted by it; -1 stands for none. */
void close_all_but(int *kept, size_t count);

/* Must be open; is closed when the command is executed. */
void close_on_exec(int descriptor, const char *name);

#endif
