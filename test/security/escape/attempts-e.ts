import { type EscapeAttempt, group } from "./attempt.ts";

/** Descriptors that a careless parent left open, by the numbers of escape-driver.c. */
const inherited = group({ proof: "secret", refused: ["EBADF"] }, [
  { id: "E.inherited-file", title: "read a file that was left open", c: "return tell(INHERITED_FILE);" },
  {
    id: "E.inherited-folder",
    title: "read a file by a folder that was left open",
    c: 'return tell(openat(INHERITED_FOLDER, "hidden", O_RDONLY));',
  },
  {
    id: "E.inherited-cwd",
    title: "change to a folder that was left open",
    c: 'if (fchdir(INHERITED_FOLDER) != 0) return errno; return tell_file("hidden");',
  },
  {
    id: "E.inherited-socket",
    title: "read from a connection that was left open",
    c: "return tell(INHERITED_SOCKET);",
  },
  {
    id: "E.inherited-any",
    title: "find any descriptor above 2",
    // The driver's own, which the attempt has closed by then, are low; what was left open lies at 20 and above.
    c: "for (int fd = 16; fd < 1024; fd++) if (fcntl(fd, F_GETFD) != -1) return 0; return errno;",
    proof: "call",
  },
  {
    id: "E.launcher-descriptors",
    title: "open a file by a descriptor of whoever started the command",
    c: `char path[64]; snprintf(path, sizeof path, "/proc/%s/fd/%d", given("LAUNCHER"), INHERITED_FILE);
        return tell_file(path);`,
    refused: ["EACCES", "EPERM", "ENOENT"],
    vacuous: "whoever starts the control closes what was left open",
  },
]);

/** Sockets of the host. */
const sockets = group({ proof: "secret", refused: ["ENOENT"] }, [
  {
    id: "E.abstract-socket",
    title: "reach an abstract socket of the host's",
    c: 'return hear_unix(given("ABSTRACT"));',
    refused: ["ECONNREFUSED"],
  },
  { id: "E.path-socket", title: "reach a socket in a folder", c: 'return hear_unix(given("SOCKET"));' },
  {
    id: "E.tmp-socket",
    title: "reach an agent's socket in /tmp",
    c: 'return hear_unix(given("TMP_SOCKET"));',
  },
  {
    id: "E.tmp-socket-by-root",
    title: "reach it through the root of whoever started the command",
    c: 'char path[PATH_MAX]; snprintf(path, sizeof path, "/proc/%s/root%s", given("LAUNCHER"), given("TMP_SOCKET"));\nreturn hear_unix(path);',
    refused: ["EACCES", "ENOENT", "EPERM"],
  },
]);

const network = group({ proof: "secret", refused: ["ECONNREFUSED"] }, [
  {
    id: "E.loopback",
    title: "reach a port of the host's loopback",
    c: 'return hear_inet("127.0.0.1", SOCK_STREAM, number("TCP"));',
  },
  {
    id: "E.loopback-ipv6",
    title: "reach one of its IPv6 loopback",
    c: `struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number("TCP6")),
                                       .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        return connect_to(AF_INET6, &address, sizeof address, SOCK_STREAM);`,
    refused: ["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH"],
    vacuous: "this machine has no IPv6",
  },
  {
    id: "E.loopback-datagram",
    title: "send a datagram to the host's loopback",
    c: 'return hear_inet("127.0.0.1", SOCK_DGRAM, number("UDP"));',
  },
  {
    id: "E.own-address",
    title: "reach a port at the machine's own address",
    c: 'return hear_inet(given("ADDRESS_OF_HOST"), SOCK_STREAM, number("TCP"));',
    refused: ["ENETUNREACH"],
    vacuous: "this machine has no address but loopback",
  },
  {
    id: "E.own-address-datagram",
    title: "send a datagram to it",
    c: 'return hear_inet(given("ADDRESS_OF_HOST"), SOCK_DGRAM, number("UDP"));',
    refused: ["ENETUNREACH"],
    vacuous: "this machine has no address but loopback",
  },
  {
    id: "E.network-interface",
    title: "see an interface but loopback",
    sh: 'grep : /proc/net/dev | grep -vq "^ *lo:" || { echo "No such device"; exit 1; }',
    proof: "call",
    refused: ["ENODEV"],
    vacuous: "this machine has loopback only",
  },
]);

/** What processes share by a key or a name. */
const shared = group({ proof: "secret", refused: ["ENOENT"] }, [
  {
    id: "E.message-queue",
    title: "read a message queue of the host's",
    c: `struct { long type; char text[256]; } message;
        int queue = msgget(number("KEY"), 0);
        if (queue < 0 || msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT) < 0) return errno;
        return write(1, message.text, strlen(message.text)) < 0 ? errno : 0;`,
  },
  {
    id: "E.shared-memory",
    title: "read shared memory of the host's",
    c: `int segment = shmget(number("KEY"), 0, 0);
        if (segment < 0) return errno;
        char *memory = shmat(segment, NULL, 0);
        if (memory == (void *)-1) return errno;
        return write(1, memory, strlen(memory)) < 0 ? errno : 0;`,
  },
  {
    id: "E.semaphore",
    title: "change a semaphore of the host's",
    c: 'return done(semctl(semget(number("KEY"), 0, 0), 0, SETVAL, 1));',
    proof: "call",
    refused: ["ENOENT", "EINVAL"],
  },
  {
    id: "E.posix-queue",
    title: "read a POSIX message queue of the host's",
    c: `char text[256];
        mqd_t queue = mq_open(given("QUEUE"), O_RDONLY | O_NONBLOCK);
        ssize_t length = queue < 0 ? -1 : mq_receive(queue, text, sizeof text, NULL);
        return length < 0 ? errno : write(1, text, (size_t)length) < 0 ? errno : 0;`,
    vacuous: "the kernel was built without them",
  },
  {
    id: "E.ipc-list",
    title: "list what the host shares",
    sh: 'test $(wc -l </proc/sysvipc/msg) -gt 1 || { echo "No such file or directory"; exit 1; }',
    proof: "call",
  },
]);

const family = (id: string, title: string, words: string) => ({
  id: `E.${id}` as const,
  title: `make a socket: ${title}`,
  c: `return done(socket(${words}));`,
});

const families = group({ proof: "call", refused: ["EPERM"] }, [
  {
    ...family("vsock", "vsock, which no network namespace holds", "40, SOCK_STREAM, 0"),
    vacuous: "the kernel was built without it",
  },
  ...[1, 2].map((cid) => ({
    id: `E.vsock-${cid}` as const,
    title: `ask for the machine with vsock address ${cid}`,
    c: `struct { unsigned short family, zero; unsigned port, cid; unsigned char rest[4]; } address = {40, 0, 1, ${cid}, {0}};
        int fd = socket(40, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (fd < 0) return errno;
        if (connect(fd, (void *)&address, sizeof address) == 0 || errno == EINPROGRESS) return 0;
        return errno;`,
    proof: "looked" as const,
    looked: ["ECONNRESET", "ENODEV", "ENETUNREACH", "ETIMEDOUT"],
    vacuous: "the kernel was built without it",
  })),
  { ...family("packet", "raw packets", "AF_PACKET, SOCK_RAW, 0"), rootOnly: true },
  { ...family("raw", "raw IP", "AF_INET, SOCK_RAW, 255"), rootOnly: true },
  {
    ...family("raw-ipv6", "raw IPv6", "AF_INET6, SOCK_RAW, 58"),
    rootOnly: true,
    vacuous: "this machine has no IPv6",
  },
  { ...family("old-packet", "packets as of old", "AF_INET, SOCK_PACKET, 0"), rootOnly: true },
  {
    ...family("ping", "pings", "AF_INET, SOCK_DGRAM, 1"),
    refused: ["EACCES", "EPERM"],
    vacuous: "net.ipv4.ping_group_range leaves this user out",
  },
  {
    ...family("alg", "the kernel's ciphers", "38, SOCK_SEQPACKET, 0"),
    vacuous: "the kernel was built without it",
  },
  {
    ...family("key", "keys of IPsec", "15, SOCK_RAW, 2"),
    rootOnly: true,
    vacuous: "the kernel was built without it",
  },
  { ...family("xdp", "XDP", "44, SOCK_RAW, 0"), rootOnly: true, vacuous: "the kernel was built without it" },
  { ...family("tipc", "TIPC", "30, SOCK_STREAM, 0"), vacuous: "the kernel was built without it" },
  { ...family("bluetooth", "Bluetooth", "31, SOCK_RAW, 0"), vacuous: "the kernel was built without it" },
  {
    ...family("netfilter", "the packet filter", "AF_NETLINK, SOCK_RAW, 12"),
    vacuous: "the kernel was built without it",
  },
  {
    ...family("audit", "the kernel's audit", "AF_NETLINK, SOCK_RAW, 9"),
    vacuous: "the kernel was built without it",
  },
  {
    ...family("uevent", "the kernel's events", "AF_NETLINK, SOCK_DGRAM, 15"),
    vacuous: "the kernel was built without it",
  },
  {
    ...family("sock-diag", "everybody's sockets", "AF_NETLINK, SOCK_RAW, 4"),
    vacuous: "the kernel was built without it",
  },
]);

/** Processes of the host. */
const processes = group({ proof: "canary", refused: ["ESRCH"] }, [
  {
    id: "E.signal-host",
    canary: "$OUT/signalled-1",
    title: "signal a process of the host's",
    c: 'return done(kill(number("VICTIM"), SIGRTMIN + 1));',
  },
  {
    id: "E.signal-host-thread",
    canary: "$OUT/signalled-2",
    title: "signal it by its thread",
    c: 'return done(syscall(SYS_tgkill, number("VICTIM"), number("VICTIM"), SIGRTMIN + 2));',
  },
  {
    id: "E.signal-host-descriptor",
    canary: "$OUT/signalled-3",
    title: "signal it by a descriptor",
    c: `int fd = (int)syscall(SYS_pidfd_open, number("VICTIM"), 0);
        return fd < 0 ? errno : done(syscall(SYS_pidfd_send_signal, fd, SIGRTMIN + 3, NULL, 0));`,
    // A number above what the cell counts to; EINVAL on kernels that look at it so.
    refused: ["ESRCH", "EINVAL"],
  },
  {
    id: "E.signal-host-by-owner",
    canary: "$OUT/signalled-4",
    title: "have the kernel signal it, as the owner of a descriptor",
    c: `int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || fcntl(ends[0], F_SETOWN, number("VICTIM")) != 0) return errno;
        if (fcntl(ends[0], F_SETSIG, SIGRTMIN + 4) != 0 || fcntl(ends[0], F_SETFL, O_ASYNC) != 0) return errno;
        return write(ends[1], "x", 1) == 1 ? 0 : errno;`,
  },
  {
    id: "E.see-host",
    title: "see a process of the host's",
    c: 'char path[64]; snprintf(path, sizeof path, "/proc/%s/status", given("VICTIM")); return tell_file(path);',
    proof: "call",
    refused: ["ENOENT"],
  },
]);

/** E. Descriptors and ways between processes. */
export const ipcAttempts: readonly EscapeAttempt[] = [
  ...inherited,
  ...sockets,
  ...network,
  ...shared,
  ...families,
  ...processes,
];
