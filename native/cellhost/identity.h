/* Giving root up, for good. */
#ifndef CELLHOST_IDENTITY_H
#define CELLHOST_IDENTITY_H

#include <sys/types.h>

void drop_to(uid_t uid, gid_t gid);

#endif
