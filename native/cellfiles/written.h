/* Which file systems were written to, so that `sync` reaches those that are mounted below a root as well. */
#ifndef CELLFILES_WRITTEN_H
#define CELLFILES_WRITTEN_H

/* Keeps in mind that the file system of this place was written to; the descriptor may be O_PATH. */
void note_written(int place);

#endif
