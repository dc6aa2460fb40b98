import { type EscapeAttempt, group } from "./attempt.ts";

const throughProcess = (pid: string, rest: string) =>
  `char path[PATH_MAX]; snprintf(path, sizeof path, "/proc/%s/${rest}", given("${pid}")); strcat(path, given("HIDDEN"));
   return tell_file(path);`;

/** Ways from the connected folder to the secret beside it. */
const reading = group({ proof: "secret", refused: ["ENOENT"] }, [
  { id: "B.read-by-path", title: "read a file beside the folder", c: 'return tell_file(given("HIDDEN"));' },
  {
    id: "B.read-by-symlink",
    title: "read it through a symlink in the folder",
    c: 'symlink(given("HIDDEN"), at("WORK", "/link-file")); return tell_file(at("WORK", "/link-file"));',
  },
  {
    id: "B.read-by-folder-symlink",
    title: "read it through a symlink to its folder",
    c: 'symlink(given("OUT"), at("WORK", "/link-dir")); return tell_file(at("WORK", "/link-dir/hidden"));',
  },
  {
    id: "B.read-by-symlink-chain",
    title: "read it through a chain of symlinks",
    c: `symlink("link-2", at("WORK", "/link-1")); symlink("link-3", at("WORK", "/link-2"));
        symlink("../outside/hidden", at("WORK", "/link-3")); return tell_file(at("WORK", "/link-1"));`,
  },
  {
    id: "B.read-by-proc-root-symlink",
    title: "read it through a symlink by way of /proc/self/root",
    c: `char target[PATH_MAX]; snprintf(target, sizeof target, "/proc/self/root%s", given("HIDDEN"));
        symlink(target, at("WORK", "/link-root")); return tell_file(at("WORK", "/link-root"));`,
  },
  {
    id: "B.read-by-proc-cwd-symlink",
    title: "read it through a symlink by way of /proc/self/cwd",
    c: `if (chdir(given("WORK")) != 0) return errno;
        symlink("/proc/self/cwd/../outside/hidden", "link-cwd"); return tell_file("link-cwd");`,
  },
  {
    id: "B.read-by-parent",
    title: "read it by .. from the folder",
    c: 'return tell_file(at("WORK", "/../outside/hidden"));',
  },
  {
    id: "B.read-by-descriptor-parent",
    title: "read it by .. from a descriptor of the folder",
    c: 'return tell(openat(open(given("WORK"), O_PATH), "../outside/hidden", O_RDONLY));',
  },
  {
    id: "B.read-by-fd-link-parent",
    title: "read it by .. from /proc/self/fd",
    c: `char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d/../outside/hidden", open(given("WORK"), O_PATH));
        return tell_file(path);`,
  },
  {
    id: "B.read-by-launcher-root",
    title: "read it through the root of whoever started the command",
    c: throughProcess("LAUNCHER", "root"),
    refused: ["EACCES", "EPERM", "ENOENT"],
  },
  {
    id: "B.read-by-launcher-cwd",
    title: "read it through the working folder of whoever started the command",
    c: throughProcess("LAUNCHER", "cwd/../../../../../../../.."),
    refused: ["EACCES", "EPERM", "ENOENT"],
  },
  {
    id: "B.read-by-host-root",
    title: "read it through the root of a process of the host's",
    c: throughProcess("VICTIM", "root"),
  },
  {
    id: "B.read-by-openat2",
    title: "read it by openat2, into which no filter sees",
    c: `unsigned long how[3] = {O_RDONLY, 0, 0};
        return tell((int)syscall(SYS_openat2, AT_FDCWD, given("HIDDEN"), how, sizeof how));`,
    refused: ["ENOSYS"],
  },
  {
    id: "B.read-by-hard-link",
    title: "read it by a hard link in the folder",
    c: `if (link(given("HIDDEN"), at("WORK", "/hard-link")) != 0) return errno;
        return tell_file(at("WORK", "/hard-link"));`,
  },
  {
    id: "B.read-by-handle",
    title: "read it by its file handle",
    c: `struct { struct file_handle head; unsigned char room[128]; } handle = {.head = {.handle_bytes = 0}};
        const char *text = strchr(given("HANDLE"), ':');
        if (text == NULL) return ENODATA;
        handle.head.handle_type = number("HANDLE");
        for (text++; sscanf(text, "%2hhx", &handle.head.f_handle[handle.head.handle_bytes]) == 1; text += 2)
            handle.head.handle_bytes++;
        return tell(open_by_handle_at(open(given("WORK"), O_RDONLY), &handle.head, O_RDONLY));`,
    refused: ["EPERM"],
    rootOnly: true,
    vacuous: "this file system has no handles",
  },
  {
    id: "B.read-home",
    title: "read a key in the person's home",
    c: 'return tell_file(at("PERSON_HOME", "/.ssh/id_ed25519"));',
  },
  {
    id: "B.read-tmp",
    title: "read a file in the host's /tmp",
    c: 'return tell_file(given("TMP_FILE"));',
  },
  {
    id: "B.read-shm",
    title: "read a file in the host's /dev/shm",
    c: 'return tell_file(given("SHM_FILE"));',
  },
  {
    id: "B.read-cwd-of-launcher",
    title: "find the launcher's folder by its working directory",
    c: 'return tell_file("../outside/hidden");',
  },
]);

const host = group({ proof: "call", refused: ["EACCES", "ENOENT"], rootOnly: true }, [
  { id: "B.read-shadow", title: "read /etc/shadow", c: 'return tell_file("/etc/shadow");' },
  {
    id: "B.list-root-home",
    title: "list the host's /root",
    c: `struct stat found; int fd = open("/root", O_RDONLY | O_DIRECTORY);
        if (fd < 0 || fstat(fd, &found) != 0) return errno;
        return found.st_ino == strtoul(given("ROOT_HOME"), NULL, 10) ? 0 : ENOENT;`,
  },
  ...["etc", "usr", "usr/bin", "var", "opt"].map((folder) => ({
    id: `B.write-${folder.replace("/", "-")}` as const,
    title: `make a file in /${folder}`,
    c: `return may_make_in("/${folder}");`,
    refused: ["EROFS", "EACCES"],
  })),
  {
    id: "B.write-root",
    title: "make a folder in /",
    c: 'if (mkdir("/workcell-escape", 0755) != 0) return errno; rmdir("/workcell-escape"); return 0;',
    refused: ["EROFS", "EACCES"],
  },
]);

const writing = group({ proof: "canary", refused: ["ENOENT", "own"] }, [
  {
    id: "B.write-by-path",
    title: "write to a file beside the folder",
    c: 'return touch(open(given("CANARY"), O_WRONLY));',
  },
  {
    id: "B.write-by-symlink",
    title: "write to it through a symlink in the folder",
    c: 'symlink(given("CANARY"), at("WORK", "/link-write")); return touch_file(at("WORK", "/link-write"));',
  },
  {
    id: "B.create-by-symlink",
    title: "make a file through a dangling symlink",
    c: 'symlink(at("OUT", "/created"), at("WORK", "/link-new")); return touch_file(at("WORK", "/link-new"));',
    canary: "$OUT/created",
  },
  {
    id: "B.create-by-tmpfile",
    title: "make a file without a name and link it in beside the folder",
    c: `int fd = open(given("WORK"), O_TMPFILE | O_WRONLY, 0644);
        if (fd < 0 || write(fd, "touched\\n", 8) != 8) return errno;
        unlink(given("CANARY"));
        char path[64]; snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        return done(linkat(AT_FDCWD, path, AT_FDCWD, given("CANARY"), AT_SYMLINK_FOLLOW));`,
  },
  {
    id: "B.move-out",
    title: "move a file out of the folder",
    c: 'const char *path = own_file(); touch_file(path); return done(rename(path, given("CANARY")));',
    refused: ["ENOENT", "EXDEV"],
  },
  {
    id: "B.write-home",
    title: "write into the person's home",
    c: 'return touch(open(at("PERSON_HOME", "/notes"), O_WRONLY | O_APPEND));',
    canary: "$PERSON_HOME/notes",
  },
  {
    id: "B.write-tmp",
    title: "write to a file in the host's /tmp",
    c: 'return touch(open(given("TMP_FILE"), O_WRONLY | O_APPEND));',
    canary: "$TMP_FILE",
  },
  {
    id: "B.write-shm",
    title: "write to a file in the host's /dev/shm",
    c: 'return touch(open(given("SHM_FILE"), O_WRONLY | O_APPEND));',
    canary: "$SHM_FILE",
  },
]);

/** The folder that is connected for reading. */
const readOnly = group({ proof: "call", refused: ["EROFS", "EACCES"] }, [
  {
    id: "B.ro-write",
    title: "write to a read-only folder",
    c: 'return touch(open(at("RO", "/file"), O_WRONLY));',
  },
  { id: "B.ro-create", title: "make a file in it", c: 'return touch_file(at("RO", "/made"));' },
  { id: "B.ro-remove", title: "remove a file from it", c: 'return done(unlink(at("RO", "/removable")));' },
  {
    id: "B.ro-rename",
    title: "rename a file in it",
    c: 'return done(rename(at("RO", "/old"), at("RO", "/new")));',
  },
  { id: "B.ro-mode", title: "change a mode in it", c: 'return done(chmod(at("RO", "/file"), 0600));' },
  {
    id: "B.ro-times",
    title: "change a time in it",
    c: 'return done(utimensat(AT_FDCWD, at("RO", "/file"), NULL, 0));',
  },
  { id: "B.ro-truncate", title: "truncate a file in it", c: 'return done(truncate(at("RO", "/file"), 0));' },
  {
    id: "B.ro-xattr",
    title: "give a file in it an attribute",
    c: 'return done(setxattr(at("RO", "/file"), "user.workcell", "x", 1, 0));',
    vacuous: "this file system has no attributes of users",
  },
  {
    id: "B.ro-reopen",
    title: "open a file in it again for writing, by /proc/self/fd",
    c: `char path[64]; snprintf(path, sizeof path, "/proc/self/fd/%d", open(at("RO", "/file"), O_RDONLY));
        return touch(open(path, O_WRONLY));`,
  },
  {
    id: "B.ro-hard-link",
    title: "write to a file in it by a hard link in the other folder",
    c: `if (link(at("RO", "/file"), at("WORK", "/linked")) != 0) return errno;
        return touch(open(at("WORK", "/linked"), O_WRONLY));`,
    refused: ["EXDEV", "EROFS", "EACCES"],
  },
  {
    id: "B.ro-map",
    title: "write to a file in it through shared memory",
    c: `int fd = open(at("RO", "/file"), O_RDONLY);
        if (fd < 0) return errno;
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(at("RO", "/file"), O_RDWR), 0) == MAP_FAILED ? EROFS : 0;`,
  },
]);

const setId = group({ proof: "set-id", refused: ["EPERM"], canary: "$WORK/$ID" }, [
  { id: "B.setuid-chmod", title: "set a file's set-uid bit", c: "return done(chmod(own_file(), 04755));" },
  {
    id: "B.setuid-chmod-raw",
    title: "set it by fchmodat",
    c: "return done(syscall(SYS_fchmodat, AT_FDCWD, own_file(), 04755));",
  },
  {
    id: "B.setuid-fchmodat2",
    title: "set it by fchmodat2",
    c: "return done(syscall(452, AT_FDCWD, own_file(), 04755, 0));",
    vacuous: "fchmodat2 came with Linux 6.6",
  },
  {
    id: "B.setuid-fchmod",
    title: "set it by descriptor",
    c: "return done(fchmod(open(own_file(), O_WRONLY), 04755));",
  },
  { id: "B.setgid-chmod", title: "set a file's set-gid bit", c: "return done(chmod(own_file(), 02755));" },
  {
    id: "B.setuid-create",
    title: "make a file that has it",
    c: 'umask(0); return done(open(at("WORK", given("SLASH_ID")), O_CREAT | O_WRONLY, 04755));',
  },
  {
    id: "B.setuid-openat2",
    title: "make one by openat2",
    c: `unsigned long how[3] = {O_CREAT | O_WRONLY, 04755, 0};
        return done(syscall(SYS_openat2, AT_FDCWD, at("WORK", given("SLASH_ID")), how, sizeof how));`,
    refused: ["ENOSYS"],
  },
  {
    id: "B.setuid-mknod",
    title: "make one by mknod",
    c: 'umask(0); return done(mknod(at("WORK", given("SLASH_ID")), S_IFREG | 04755, 0));',
  },
  {
    id: "B.setgid-folder",
    title: "make a folder that passes its group on",
    c: 'umask(0); return done(mkdir(at("WORK", given("SLASH_ID")), 02755)) ?: done(chmod(at("WORK", given("SLASH_ID")), 02755));',
    refused: ["EPERM"],
  },
  {
    id: "B.setuid-tmpfile",
    title: "make one without a name and link it in",
    c: `umask(0);
        int fd = open(given("WORK"), O_TMPFILE | O_WRONLY, 04755);
        if (fd < 0) return errno;
        char path[64]; snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        return done(linkat(AT_FDCWD, path, AT_FDCWD, at("WORK", given("SLASH_ID")), AT_SYMLINK_FOLLOW));`,
  },
  {
    id: "B.setuid-copy",
    title: "copy a set-uid program with its mode",
    sh: 'for f in /usr/bin/su /usr/bin/passwd; do cp --preserve=mode $f "$WORK/$ID" && exit 0; done; exit 1',
  },
  {
    id: "B.setuid-int80",
    title: "set it by a 32-bit call",
    c: `char *path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        strcpy(path, own_file()); return done(call32(15, (long)path, 04755));`,
    arch: "x64",
    vacuous: "the kernel was built without 32-bit calls",
  },
]);

const nodes = group({ proof: "call", refused: ["EPERM"] }, [
  {
    id: "B.whiteout",
    title: "make a whiteout, which hides a file from an overlay",
    c: 'return done(mknod(at("WORK", given("SLASH_ID")), S_IFCHR | 0600, 0));',
  },
  {
    id: "B.character-device",
    title: "make a device that reads memory",
    c: 'return done(mknod(at("WORK", given("SLASH_ID")), S_IFCHR | 0600, 0x101));',
    rootOnly: true,
  },
  {
    id: "B.block-device",
    title: "make a device that reads a disk",
    c: 'return done(mknod(at("WORK", given("SLASH_ID")), S_IFBLK | 0600, 0x700));',
    rootOnly: true,
  },
  {
    id: "B.file-capability",
    title: "give a file capabilities",
    c: `unsigned data[5] = {0x02000001, 0xffffffff, 0, 0, 0};
        return done(setxattr(own_file(), "security.capability", data, sizeof data, 0));`,
    rootOnly: true,
  },
  {
    id: "B.opaque-folder",
    title: "make a folder opaque to an overlay",
    c: 'return done(setxattr(own_file(), "trusted.overlay.opaque", "y", 1, 0));',
    rootOnly: true,
    vacuous: "this file system has no trusted attributes",
  },
  {
    id: "B.give-away",
    title: "give a file to another user",
    c: "return done(chown(own_file(), 1, 1));",
    rootOnly: true,
    refused: ["EINVAL", "EPERM"],
  },
  {
    id: "B.name-to-handle",
    title: "take the handle of a file",
    c: `struct { struct file_handle head; unsigned char room[128]; } handle = {.head = {.handle_bytes = 128}};
        int mount; return done(name_to_handle_at(AT_FDCWD, given("WORK"), &handle.head, &mount, 0));`,
    vacuous: "this file system has no handles",
  },
  {
    id: "B.rename-folder",
    title: "rename the connected folder itself",
    c: `if (rename(given("WORK"), at("OUT", "/moved")) != 0) return errno;
        rename(at("OUT", "/moved"), given("WORK")); return 0;`,
    refused: ["EBUSY", "ENOENT", "EXDEV", "EROFS", "EACCES"],
  },
  {
    id: "B.rename-above",
    title: "rename the folder above it",
    c: `char from[PATH_MAX], to[PATH_MAX]; snprintf(from, sizeof from, "%s", given("STAGE"));
        snprintf(to, sizeof to, "%s-moved", given("STAGE"));
        if (rename(from, to) != 0) return errno;
        strcat(to, "/canary"); touch_file(to); to[strlen(to) - 7] = 0;
        return done(rename(to, from));`,
    proof: "canary",
    canary: "$STAGE/canary",
    // Where the folder above is of the cell's own making, it may be moved about there.
    refused: ["EBUSY", "ENOENT", "EXDEV", "EROFS", "EACCES", "own"],
  },
  {
    id: "B.swap-folder",
    title: "exchange the connected folder with one beside it",
    c: `if (syscall(SYS_renameat2, AT_FDCWD, given("WORK"), AT_FDCWD, given("OUT"), 2) != 0) return errno;
        return done(syscall(SYS_renameat2, AT_FDCWD, given("WORK"), AT_FDCWD, given("OUT"), 2));`,
    refused: ["EBUSY", "ENOENT", "EXDEV", "EROFS", "EACCES"],
  },
  {
    id: "B.overwrite-launcher",
    title: "open the program of whoever started the command for writing",
    c: 'char path[64]; snprintf(path, sizeof path, "/proc/%s/exe", given("LAUNCHER")); return may_write(path);',
    proof: "looked",
    looked: ["ETXTBSY"],
    refused: ["EACCES", "EPERM", "ENOENT", "EROFS"],
    rootOnly: true,
  },
]);

/** B. Files. */
export const fileAttempts: readonly EscapeAttempt[] = [...reading, ...host, ...writing];
/** B. Files in what is connected. */
export const connectedAttempts: readonly EscapeAttempt[] = [...readOnly, ...setId, ...nodes];
