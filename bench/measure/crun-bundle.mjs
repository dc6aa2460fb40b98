import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const shown = ["/usr", "/bin", "/lib", "/lib64"].filter((folder) => existsSync(folder));

/** A user namespace is needed only by an ordinary user, for whom one id is enough. */
function identity() {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  if (uid === 0) return { namespaces: [], mappings: {} };
  const map = (/** @type {number} */ hostID) => [{ containerID: 0, hostID, size: 1 }];
  return { namespaces: ["user"], mappings: { uidMappings: map(uid), gidMappings: map(gid) } };
}

/**
 * Writes an OCI bundle whose root holds the system's programs, read-only.
 * @param {string} folder
 * @param {readonly string[]} command
 * @returns {string} the bundle's folder
 */
export function writeCrunBundle(folder, command = ["true"]) {
  const bundle = path.join(folder, `crun-${command[0]}`);
  mkdirSync(path.join(bundle, "rootfs"), { recursive: true });
  const { namespaces, mappings } = identity();
  const types = [...namespaces, "pid", "network", "ipc", "uts", "mount"];
  const config = {
    ociVersion: "1.0.0",
    process: {
      user: { uid: 0, gid: 0 },
      args: command,
      env: ["PATH=/usr/bin:/bin"],
      cwd: "/",
      noNewPrivileges: true,
    },
    root: { path: "rootfs" },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      ...shown.map((source) => ({ destination: source, source, options: ["rbind", "ro"] })),
    ],
    linux: { namespaces: types.map((type) => ({ type })), ...mappings },
  };
  writeFileSync(path.join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}
