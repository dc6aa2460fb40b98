/* Each takes its fields, puts its answer, and returns 0, or an errno after `failed` was told the step. */
#ifndef CELLFILES_OPERATIONS_H
#define CELLFILES_OPERATIONS_H

#include "frames.h"

int stat_place(struct reader *request, struct answers *answers);
int look_at_names(struct reader *request, struct answers *answers);
int list_folder(struct reader *request, struct answers *answers);
int read_file(struct reader *request, struct answers *answers);
int compare_files(struct reader *request, struct answers *answers);
int copy_entry(struct reader *request, struct answers *answers);
int copy_files(struct reader *request, struct answers *answers);
int make_folder(struct reader *request, struct answers *answers);
int link_file(struct reader *request, struct answers *answers);
int set_attributes(struct reader *request, struct answers *answers);
int exchange_entries(struct reader *request, struct answers *answers);
int replace_entry(struct reader *request, struct answers *answers);
int rename_entry(struct reader *request, struct answers *answers);
int remove_entry(struct reader *request, struct answers *answers);
int clear_names(struct reader *request, struct answers *answers);
int make_whiteout(struct reader *request, struct answers *answers);
int sync_root(struct reader *request, struct answers *answers);
int find_names(struct reader *request, struct answers *answers);

#endif
