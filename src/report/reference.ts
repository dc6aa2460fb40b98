/** One fact of the environment that Workcell implements. */
export interface ReferenceRow {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  /** The fact, as the reference states it. */
  readonly reference: string;
}

/** Every fact of the reference, in its order; a row keeps its id for ever. */
export const referenceRows: readonly ReferenceRow[] = [
  {
    id: "hw.cpu",
    area: "Hardware",
    title: "Processor",
    reference: "4 ARM64 cores at 48 BogoMIPS; AES, SHA1, SHA2, SHA3, SHA512, atomics, PACA/PACG, BTI",
  },
  { id: "hw.ram", area: "Hardware", title: "Memory", reference: "3.8 GiB total, 2.8 GiB of it usable" },
  { id: "hw.swap", area: "Hardware", title: "Swap", reference: "none" },
  { id: "hw.root-disk", area: "Hardware", title: "Root disk", reference: "10 GB NVMe" },
  { id: "hw.session-disk", area: "Hardware", title: "Session disk", reference: "10 GB NVMe" },
  {
    id: "os.distribution",
    area: "Operating system",
    title: "Distribution",
    reference: "Ubuntu 22.04.5 LTS (Jammy Jellyfish)",
  },
  {
    id: "os.kernel",
    area: "Operating system",
    title: "Kernel",
    reference: "Linux 6.8.0-90-generic, PREEMPT_DYNAMIC",
  },
  { id: "os.arch", area: "Operating system", title: "Architecture", reference: "aarch64 (ARM64)" },
  { id: "os.hostname", area: "Operating system", title: "Host name", reference: "`claude`" },
  { id: "box.method", area: "Sandbox", title: "Method", reference: "Bubblewrap (`bwrap`)" },
  {
    id: "box.net",
    area: "Sandbox",
    title: "Network namespace",
    reference: "`--unshare-net`: a network namespace of its own, loopback only",
  },
  {
    id: "box.pid",
    area: "Sandbox",
    title: "Process namespace",
    reference: "`--unshare-pid`: a process namespace of its own",
  },
  {
    id: "box.die-with-parent",
    area: "Sandbox",
    title: "Ends with its parent",
    reference: "the container ends when its parent ends, and leaves no resources in use",
  },
  {
    id: "box.new-session",
    area: "Sandbox",
    title: "New terminal session",
    reference: "a new terminal session: no terminal hijacking",
  },
  {
    id: "box.neighbours",
    area: "Sandbox",
    title: "Neighbours",
    reference: "neither other containers nor the host influence the cell, nor it them",
  },
  {
    id: "sec.mode",
    area: "System-call filter and privileges",
    title: "Seccomp mode",
    reference: "seccomp mode 2 (filter)",
  },
  {
    id: "sec.filters",
    area: "System-call filter and privileges",
    title: "Seccomp filters",
    reference:
      "2 active filters (counted relative to Workcell's own process, which may itself run under a filter)",
  },
  {
    id: "sec.nnp",
    area: "System-call filter and privileges",
    title: "No new privileges",
    reference: "NoNewPrivs on",
  },
  {
    id: "sec.caps",
    area: "System-call filter and privileges",
    title: "Capabilities",
    reference: "all capabilities dropped (CapEff = 0)",
  },
  {
    id: "net.http",
    area: "Network",
    title: "HTTP and HTTPS",
    reference:
      "HTTP and HTTPS through `http://localhost:3128`, carried over a UNIX socket `/tmp/claude-http-*.sock`",
  },
  {
    id: "net.socks",
    area: "Network",
    title: "SOCKS5",
    reference:
      "SOCKS5 through `socks5h://localhost:1080`, carried over a UNIX socket `/tmp/claude-socks-*.sock`",
  },
  {
    id: "net.ftp-grpc",
    area: "Network",
    title: "FTP and gRPC",
    reference: "FTP and gRPC through `socks5h://localhost:1080`",
  },
  {
    id: "net.tunnel",
    area: "Network",
    title: "Tunnel",
    reference: "`socat` forwards each local port to its UNIX socket, and so to the host",
  },
  {
    id: "net.control",
    area: "Network",
    title: "Control at the host",
    reference: "traffic can be watched and controlled at the host's end",
  },
  {
    id: "disk.root",
    area: "Partitions",
    title: "Root partition",
    reference: "nvme0n1p1 on `/`, 9.6 GB, ext4",
  },
  {
    id: "disk.efi",
    area: "Partitions",
    title: "EFI partition",
    reference: "nvme0n1p15 on `/boot/efi`, 98 MB, vfat",
  },
  {
    id: "disk.sessions",
    area: "Partitions",
    title: "Sessions partition",
    reference: "nvme1n1 on `/sessions`, 10 GB, ext4: the sessions' data",
  },
  {
    id: "proc.1",
    area: "Processes, as seen from inside",
    title: "PID 1",
    reference: "PID 1 `bwrap`, in control of the sandbox",
  },
  {
    id: "proc.2",
    area: "Processes, as seen from inside",
    title: "PID 2",
    reference: "PID 2 `bash`, the shell that looks after the tunnels",
  },
  {
    id: "proc.3",
    area: "Processes, as seen from inside",
    title: "PID 3",
    reference: "PID 3 `socat`, HTTP forwarder on 3128",
  },
  {
    id: "proc.4",
    area: "Processes, as seen from inside",
    title: "PID 4",
    reference: "PID 4 `socat`, SOCKS forwarder on 1080",
  },
  {
    id: "proc.5",
    area: "Processes, as seen from inside",
    title: "PID 5",
    reference: "PID 5 the agent (`claude`); for `workcell run`, the command given, and the row says which",
  },
  {
    id: "agent.model",
    area: "Agent",
    title: "Model",
    reference:
      "runs with the model `claude-opus-4-5-20251101`: matches on what is requested; the row also says what answered",
  },
  {
    id: "agent.tools",
    area: "Agent",
    title: "Tools",
    reference: "only certain tools are allowed: Task, Bash, Glob, Grep, Read, Edit, Write",
  },
  {
    id: "agent.mcp.browser",
    area: "Agent",
    title: "Browser",
    reference: 'MCP server "Claude in Chrome": browser automation',
  },
  {
    id: "agent.mcp.cloudflare",
    area: "Agent",
    title: "Cloudflare",
    reference: "MCP server `b89c1e3a-f5c6-4dec-9d8a-0b3db0a78353`: Cloudflare",
  },
  {
    id: "life.task",
    area: "Around it",
    title: "Everyday work",
    reference: "at a person's instruction the assistant does everyday work and file operations",
  },
  {
    id: "life.sessions",
    area: "Around it",
    title: "Sessions",
    reference:
      "each session has a name (`brave-loving-maxwell`), its own home `/sessions/<name>` and its own user",
  },
  {
    id: "life.report",
    area: "Around it",
    title: "Report",
    reference: "a report of all of the above can be produced from inside",
  },
  {
    id: "life.drawing",
    area: "Around it",
    title: "Drawing",
    reference: "the whole is summed up in one drawing",
  },
];
