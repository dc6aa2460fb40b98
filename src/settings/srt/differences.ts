import type { SettingsDifference } from "../../model/index.ts";
import type { SrtFile } from "./schema.ts";

type Kind = SettingsDifference["is"];
type Line = readonly [key: string, theirs: string, ours: string, is: Kind];

/** True of every such file, whatever it says. */
const always: readonly Line[] = [
  [
    "filesystem",
    "everything may be read but what denyRead names",
    "a cell sees the system, its own home, and the folders that allowRead, allowWrite and the working directory name",
    "stricter",
  ],
  [
    "(environment)",
    "the command gets all of the host's variables",
    "it gets an allow-list of them (language, terminal, time zone); -e NAME passes another one in",
    "stricter",
  ],
  [
    "(temporary files)",
    "/tmp is the host's; TMPDIR is /tmp/claude, shared by all sandboxes",
    "each session has a /tmp of its own",
    "stricter",
  ],
  [
    "(the home)",
    "HOME is yours",
    "HOME is the session's; your tools on PATH are there, read-only",
    "stricter",
  ],
  [
    "(protected files)",
    "placeholders stand in the folder while the command runs, for what may not be written and is not there",
    "what appears in such a place is taken out when the command has ended, and kept",
    "another way",
  ],
];

const onMac = "nothing, on Linux";

/** What a key that is set does here; a function where that depends on its value. */
const lines: readonly {
  readonly is: (file: SrtFile) => boolean;
  readonly line: Line;
}[] = [
  {
    is: ({ network }) => network.strictAllowlist === false,
    line: [
      "network.strictAllowlist",
      "a host that is not listed may be asked about",
      "it is refused",
      "stricter",
    ],
  },
  {
    is: ({ network }) => network.deniedDomainReasons !== undefined,
    line: [
      "network.deniedDomainReasons",
      "the reason stands in the refusal",
      "the refusal names the rule and where it came from",
      "another way",
    ],
  },
  {
    is: ({ network }) => (network.allowUnixSockets ?? []).length > 0,
    line: ["network.allowUnixSockets", onMac, "the host's sockets are not there", "without effect"],
  },
  {
    is: ({ network }) => network.allowAllUnixSockets === true,
    line: [
      "network.allowAllUnixSockets",
      "the host's sockets can be reached",
      "only the cell's own, and those in a connected folder",
      "stricter",
    ],
  },
  {
    is: ({ network }) => network.allowLocalBinding !== undefined,
    line: [
      "network.allowLocalBinding",
      onMac,
      "ports can be bound in the cell's own network, which the host does not see",
      "without effect",
    ],
  },
  {
    is: ({ network }) => network.allowMachLookup !== undefined,
    line: ["network.allowMachLookup", onMac, "nothing", "without effect"],
  },
  {
    is: ({ network }) =>
      network.allowPlaintextHeaderSet !== undefined || network.ambiguousRequestTarget !== undefined,
    line: [
      "network.allowPlaintextHeaderSet, network.ambiguousRequestTarget",
      "they say what a program's filterRequest may do",
      "there is no such function; a request whose host can be read in two ways is refused",
      "without effect",
    ],
  },
  {
    is: ({ filesystem }) => filesystem.disabled === true,
    line: [
      "filesystem.disabled",
      "all of the host's files can be read and written",
      "the working directory can; everything else is connected with -m DIR:rw",
      "stricter",
    ],
  },
  {
    is: ({ credentials }) =>
      [...(credentials?.files ?? []), ...(credentials?.envVars ?? [])].some(({ mode }) => mode === "mask"),
    line: [
      "credentials",
      "a masked credential is seen as a placeholder, which the proxy replaces on the way out",
      "it is not seen at all, and nothing is replaced",
      "stricter",
    ],
  },
  {
    is: ({ credentials }) => credentials?.awsPairs !== undefined || credentials?.sigv4 !== undefined,
    line: ["credentials.awsPairs, credentials.sigv4", "requests are signed anew", "they are not", "stricter"],
  },
  {
    is: ({ ignoreViolations }) => ignoreViolations !== undefined,
    line: [
      "ignoreViolations",
      "some refusals are not reported",
      "every refusal is recorded in the audit log",
      "another way",
    ],
  },
  {
    is: ({ enableWeakerNestedSandbox }) => enableWeakerNestedSandbox === true,
    line: [
      "enableWeakerNestedSandbox",
      "the host's /proc is shown",
      "the cell's own is; workcell doctor says what to do where that cannot be had",
      "stricter",
    ],
  },
  {
    is: ({ allowNestedUserNamespaces }) => allowNestedUserNamespaces === true,
    line: ["allowNestedUserNamespaces", "the command can make namespaces", "they are refused", "stricter"],
  },
  {
    is: (file) =>
      file.enableWeakerNetworkIsolation !== undefined ||
      file.allowAppleEvents !== undefined ||
      file.allowPty !== undefined,
    line: [
      "enableWeakerNetworkIsolation, allowAppleEvents, allowPty",
      onMac,
      "nothing; workcell run -t gives the command a terminal",
      "without effect",
    ],
  },
  {
    is: ({ ripgrep }) => ripgrep !== undefined,
    line: [
      "ripgrep",
      "this program searches for protected files",
      "Workcell searches itself, and runs nothing for it",
      "another way",
    ],
  },
  {
    is: (file) =>
      [file.seccomp, file.bwrapPath, file.socatPath, file.javaAgentJarPath].some((one) => one !== undefined),
    line: [
      "seccomp, bwrapPath, socatPath, javaAgentJarPath",
      "these programs are used",
      "Workcell uses its own, and bwrap and socat as it finds them",
      "another way",
    ],
  },
  {
    is: ({ windows }) => windows !== undefined,
    line: ["windows", onMac, "nothing", "without effect"],
  },
  {
    is: ({ git }) => (git?.safeDirectories ?? []).length > 0,
    line: [
      "git.safeDirectories",
      "git is told that it may trust them",
      "a connected folder belongs to the cell's own user, whom git trusts",
      "without effect",
    ],
  },
];

/** What such a file means here otherwise than there, key by key; paths are told of by whoever looks at them. */
export function differencesOf(file: SrtFile): readonly SettingsDifference[] {
  const set = lines.filter(({ is }) => is(file)).map(({ line }) => line);
  return [...always, ...set].map(([key, theirs, ours, is]) => ({ key, theirs, ours, is }));
}
