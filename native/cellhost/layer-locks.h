/* Who uses a session's layers (layers.h says which lock means what). */
#ifndef CELLHOST_LAYER_LOCKS_H
#define CELLHOST_LAYER_LOCKS_H

#include "layers.h"

/* Takes all locks, after the cell that is starting now, if one is, and opens the namespaces of those that live. */
void lock_layers(struct layers_request *layers, bool with_user_namespace);

/* Everything is merged: the next cell may start. */
void let_next_start(const struct layers_request *layers);

/* Nobody of the cell is left: whoever applies the layers need not wait for our own end, which writes them to the disk. */
void release_layers(const struct layers_request *layers);

#endif
