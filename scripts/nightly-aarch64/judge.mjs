/** Errors as arm64 numbers them. */
const EPERM = 1;
const EACCES = 13;
const ENOSYS = 38;

/** What the canary tries: what becomes of it without a seal, and in one. */
const attempts = {
  "write-tmp": [0, 0],
  "write-outside": [0, EACCES],
  "read-outside": [0, 0],
  "write-proc": [0, EACCES],
  "set-uid-bit": [0, EPERM],
  "plain-bits": [0, 0],
  unshare: [0, EPERM],
  ptrace: [0, EPERM],
  "unknown-call": [ENOSYS, ENOSYS],
  "socket-unix": [0, 0],
  "socket-inet": [0, 0],
  fork: [0, 0],
};
/** What the machine's kernel may lack: refused in a seal, and otherwise whatever it says. */
const refused = ["keyctl", "name-to-handle", "socket-alg", "socket-vsock", "bpf", "io-uring"];

const none = "0".repeat(16);
const capabilities = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

/** @param {readonly string[]} lines @param {string} who */
function factsOf(lines, who) {
  const own = lines.filter((line) => line.startsWith(`${who} `)).map((line) => line.slice(who.length + 1));
  const tried = own.flatMap((line) => {
    const [, what, error] = /^try (\S+) (\d+)$/.exec(line) ?? [];
    return what === undefined ? [] : [/** @type {const} */ ([what, Number(error)])];
  });
  const status = own.flatMap((line) => {
    const [, name, value] = /^(\w+):\s+(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [/** @type {const} */ ([name, value])];
  });
  return { own, tried: new Map(tried), status: new Map(status) };
}

/**
 * @typedef {{ what: string, holds: boolean, found: string }} Verdict
 * @param {readonly string[]} lines
 * @param {"seal" | "init"} verb
 * @returns {Verdict[]}
 */
function judgeSealed(lines, verb) {
  const { own, tried, status } = factsOf(lines, verb);
  const at = (/** @type {string} */ start) => own.findIndex((line) => line.startsWith(start));
  const is = (/** @type {string} */ what, /** @type {unknown} */ found, /** @type {unknown} */ wanted) => {
    return { what: `${verb}: ${what}`, holds: found === wanted, found: String(found) };
  };
  const landlock = Number(
    /^sealed landlock (\d+)$/.exec(own.find((line) => /^sealed/.test(line)) ?? "")?.[1],
  );
  return [
    { what: `${verb}: Landlock is there`, holds: landlock > 0, found: `ABI ${landlock}` },
    is("nothing runs before go", at("sealed") >= 0 && at("go") > at("sealed") && at("runs") > at("go"), true),
    is("no new privileges", status.get("NoNewPrivs"), "1"),
    is("both filters", status.get("Seccomp_filters"), "2"),
    ...capabilities.map((name) => is(name, status.get(name), none)),
    is(
      "descriptors",
      own.find((line) => line.startsWith("open")),
      "open 0 1 2",
    ),
    ...Object.entries(attempts).map(([what, [, wanted]]) => is(what, tried.get(what), wanted)),
    ...refused.map((what) => {
      const error = tried.get(what);
      return { what: `${verb}: ${what}`, holds: error === EPERM || error === ENOSYS, found: String(error) };
    }),
    is(
      "refused calls are asked about",
      own.some((line) => /^asked \d+$/.test(line)),
      true,
    ),
    is("its code comes out", own.includes("left 7"), true),
  ];
}

/** @param {readonly string[]} lines @returns {Verdict[]} */
function judgeControl(lines) {
  const { tried, status } = factsOf(lines, "bare");
  return [
    ...Object.entries(attempts).map(([what, [wanted]]) => {
      const error = tried.get(what);
      return { what: `control: ${what}`, holds: error === wanted, found: String(error) };
    }),
    {
      what: "control: no filter",
      holds: status.get("Seccomp_filters") === "0",
      found: `${status.get("Seccomp_filters")}`,
    },
  ];
}

/**
 * What the machine's console says of the seals. Pure.
 * @param {string} said
 * @returns {Verdict[]}
 */
export function judgeConsole(said) {
  const lines = said.split("\n").map((line) => line.trim());
  const whole = lines.includes("init is done");
  const last = lines.filter(Boolean).at(-1) ?? "nothing";
  return [
    { what: "the machine came to its end", holds: whole, found: whole ? "it did" : last },
    ...judgeControl(lines),
    ...judgeSealed(lines, "seal"),
    ...judgeSealed(lines, "init"),
  ];
}
