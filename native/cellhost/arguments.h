/* Words of the command line, each checked when it is taken. */
#ifndef CELLHOST_ARGUMENTS_H
#define CELLHOST_ARGUMENTS_H

unsigned long number_between(const char *step, const char *word, unsigned long least, unsigned long most);
char *take(char ***rest, const char *flag);
const char *take_absolute(char ***rest, const char *flag);
unsigned long take_id(char ***rest, const char *flag, unsigned long least);
int take_descriptor(char ***rest, const char *flag);
/* One component of a path. */
const char *take_name(char ***rest, const char *flag);
/* One component, or several below one another. */
char *take_place(char ***rest, const char *flag);

#endif
