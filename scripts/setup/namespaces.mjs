import { existsSync, readFileSync } from "node:fs";
import { runProgram } from "./run-program.mjs";
import { Stop } from "./stop.mjs";

/** An ordinary uid for the attempt: root's own would prove nothing, since Workcell drops it too. */
const ORDINARY = { uid: 65534, gid: 65534 };

/** The same where /proc is masked: root may mount a whole one for its cells, in a container that lets it mount. */
const withWholeProc = [
  ...["unshare", "--mount", "--pid", "--fork", "--mount-proc"],
  ...["setpriv", "--reuid", `${ORDINARY.uid}`, "--regid", `${ORDINARY.gid}`, "--clear-groups"],
];

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/** Which engine runs this container, or undefined outside one. */
function containerEngine() {
  if (process.env["container"] === "podman" || existsSync("/run/.containerenv")) return "podman";
  if (existsSync("/.dockerenv")) return "docker";
  if (process.env["KUBERNETES_SERVICE_HOST"] !== undefined) return "kubernetes";
  const named = process.env["container"];
  return named === undefined || named in containerRemedies ? named : "other";
}

/** @type {Record<string, string>} */
const containerRemedies = {
  docker:
    "Start the container with: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined ...",
  podman:
    "Start the container with: podman run --security-opt seccomp=unconfined --security-opt unmask=ALL ...",
  kubernetes:
    "Give the pod: hostUsers: false, securityContext: { seccompProfile: { type: Unconfined }, procMount: Unmasked }",
  other: "Start the container with user namespaces allowed and /proc unmasked.",
};

/** Root's cells are made by root: what an ordinary user's need is of no use to it. @type {Record<string, string>} */
const rootRemedies = {
  docker:
    "Start the container with: docker run --cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt apparmor=unconfined ...",
  podman: "Start the container with: podman run --cap-add SYS_ADMIN --cap-add SYS_PTRACE ...",
  kubernetes:
    "Give the container: securityContext: { capabilities: { add: [SYS_ADMIN, SYS_PTRACE] }, appArmorProfile: { type: Unconfined } }",
  other: "Start the container with the capabilities SYS_ADMIN and SYS_PTRACE.",
};

const isRoot = () => process.getuid?.() === 0;

/** Names what stands in the way, and the remedy for it. */
function explain() {
  const engine = containerEngine();
  if (engine !== undefined && isRoot()) {
    return [
      "This container does not let its root make the mounts and user namespaces that every cell needs.",
      rootRemedies[engine] ?? "",
    ];
  }
  if (engine !== undefined) {
    return [
      "This container does not let an ordinary user make user namespaces, which every cell needs.",
      containerRemedies[engine] ?? "",
    ];
  }
  if (read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return [
      "AppArmor refuses user namespaces to programs without a profile (kernel.apparmor_restrict_unprivileged_userns=1).",
      "Allow them: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ];
  }
  if (read("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
    return [
      "User namespaces are off for ordinary users (kernel.unprivileged_userns_clone=0).",
      "Allow them: sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ];
  }
  if (read("/proc/sys/user/max_user_namespaces") === "0") {
    return [
      "User namespaces are off (user.max_user_namespaces=0).",
      "Allow them: sudo sysctl -w user.max_user_namespaces=15000",
    ];
  }
  return ["An ordinary user cannot make user namespaces on this machine, which every cell needs."];
}

/** Makes the namespaces of a cell once, as an ordinary user, and stops with the remedy where that fails. */
export async function checkNamespaces() {
  const words = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--", "true"];
  const tried = await runProgram("bwrap", words, { cwd: "/", ...(isRoot() ? ORDINARY : {}) });
  if (tried.code === 0) return;
  const [program = "", ...first] = withWholeProc;
  if (isRoot() && (await runProgram(program, [...first, "bwrap", ...words], { cwd: "/" })).code === 0) return;
  throw new Stop(...explain(), `bwrap said: ${tried.stderr.trim()}`);
}
