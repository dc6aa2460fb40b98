/* What this process could still become, given up and looked for once more. */
#ifndef CELLINIT_PRIVILEGES_H
#define CELLINIT_PRIVILEGES_H

#include "request.h"

void lower_limits(const struct request *request);
void forbid_new_privileges(void);
void drop_capabilities(void);

/* No identity is kept beside the one in use, and it is not root's. */
void check_identity(void);

/* Nobody of the same uid may read our memory or our /proc entry; exec ends it. */
void hide_from_tracers(void);

#endif
