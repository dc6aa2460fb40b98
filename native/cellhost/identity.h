/* Giving root up, for good. */
#ifndef CELLHOST_IDENTITY_H
#define CELLHOST_IDENTITY_H

#include <sys/types.h>

/* All of them, those of a user namespace of our own among them. */
void drop_capabilities(void);
void drop_to(uid_t uid, gid_t gid);

#endif
