/*
 * What Workcell asks of cellfiles. Numbers are in the byte order of both architectures, little-endian, without padding.
 *
 *   request  u32 length of what follows, u8 operation, its fields
 *   answer   u32 length of what follows, u8 kind, its bytes
 *
 * The first answer, without bytes, says that all roots are open; then comes one for each request, in order. An answer's
 * bytes may come in several frames: any number of ANSWER_MORE, then ANSWER_DONE with the last ones, or ANSWER_ERROR with
 * u32 errno and the step that failed, whereupon what came before counts for nothing.
 *
 *   place    u8 root, u8 held, (held: u64 device, u64 inode), text path
 *            held: whatever else stands there is refused with ESTALE
 *   text     u16 length, its bytes, NUL
 *   as       u32 mode, u32 uid, u32 gid, i64 seconds, u32 nanoseconds
 *   known    u8 whether to its ctime, u64 size, i64 seconds and u32 nanoseconds of mtime, the same of ctime
 *   entry    u8 type, u8 marks, u32 mode, u32 uid, u32 gid, u64 size, i64 seconds and u32 nanoseconds of mtime, the same of
 *            ctime, u64 device, u64 inode, u64 links, text target, then for each extended attribute text name and
 *            u32 length, its bytes; an empty text ends them
 */
#ifndef CELLFILES_PROTOCOL_H
#define CELLFILES_PROTOCOL_H

enum { ANSWER_MORE = 'm', ANSWER_DONE = 'd', ANSWER_ERROR = 'e' };

enum {
  ASK_STAT = 's',       /* place -> entry, or nothing */
  ASK_LOOK = 'k',       /* place, texts -> for each of these names that is in the folder: text name, entry */
  ASK_LIST = 'l',       /* place -> for each entry of the folder: text name, entry */
  ASK_READ = 'r',       /* place, u64 offset, u32 length -> the bytes that there are */
  ASK_COMPARE = 'c',    /* place, place -> u8 */
  ASK_COPY = 'p',       /* place, place, as -> entry */
  ASK_COPIES = 'b',     /* place, place, for each file: text, text, as -> entries; the first that fails ends it */
  ASK_FOLDER = 'd',     /* place, as -> entry */
  ASK_LINK = 'n',       /* place, place */
  ASK_ATTRIBUTES = 'a', /* place, as, place -> entry */
  ASK_EXCHANGE = 'x',   /* place, place */
  ASK_REPLACE = 'o',    /* place, place, place, known -> u8 whether it is kept, (entry) */
  ASK_RENAME = 'm',     /* place, place */
  ASK_REMOVE = 'u',     /* place */
  ASK_CLEAR = 'e',      /* place, texts: what has these names in that folder, and is no folder */
  ASK_WHITEOUT = 'w',   /* place */
  ASK_SYNC = 'y',       /* u8 root */
  ASK_FIND = 'f',       /* place, u64 most, texts -> for what is found in the whole tree: u8 found, text path, (entry) */
};

/* Types of an entry, in the order in which the client names them. */
enum { TYPE_FILE, TYPE_DIRECTORY, TYPE_SYMLINK, TYPE_FIFO, TYPE_SOCKET, TYPE_DEVICE };

enum { MARK_WHITEOUT = 1, MARK_OPAQUE = 2 };

/*
 * A name that is looked for, with a letter before it: `e`, whatever has this name; `l`, links alone; `t`, every link below.
 * A `*` before the name: whatever ends so. Names are in lower case and compared with that of what there is; what is not
 * plain ASCII counts as all. `most` entries are looked at. An entry follows FOUND_ENTRY only; FOUND_UNREAD is a folder that
 * was not entered, and is asked for by itself; FOUND_CUT says that there is more.
 */
enum { FOUND_ENTRY, FOUND_UNREAD, FOUND_CUT };

enum { MAX_PATH = 65535, MAX_READ = 1 << 20 };

#endif
