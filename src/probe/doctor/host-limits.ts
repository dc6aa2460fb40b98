import { existsSync, readFileSync } from "node:fs";

/** What kind of container Workcell itself runs in. */
export type ContainerKind = "docker" | "podman" | "kubernetes" | "another";

/** Switches of the kernel that keep a user from making namespaces. They explain a failure, and decide nothing. */
export interface HostLimits {
  readonly container: ContainerKind | undefined;
  /** `kernel.apparmor_restrict_unprivileged_userns` is on: Ubuntu since 23.10. */
  readonly apparmorRestricts: boolean;
  /** `kernel.unprivileged_userns_clone` is there and 0: Debian's own switch. */
  readonly cloneDisabled: boolean;
  /** `user.max_user_namespaces`; undefined when there is no such switch. */
  readonly maxUserNamespaces: number | undefined;
}

function readSwitch(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return undefined; // a kernel without it
  }
}

function containerOf(env: Readonly<Record<string, string | undefined>>): ContainerKind | undefined {
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined) return "kubernetes";
  // Podman says so in the environment, too; an image that was made from a container of Docker's may still hold its mark.
  if (env["container"] === "podman" || existsSync("/run/.containerenv")) return "podman";
  if (existsSync("/.dockerenv")) return "docker";
  return env["container"] === undefined ? undefined : "another";
}

/** Reads the switches. */
export function readHostLimits(env: Readonly<Record<string, string | undefined>>): HostLimits {
  const most = readSwitch("user/max_user_namespaces");
  return {
    container: containerOf(env),
    apparmorRestricts: readSwitch("kernel/apparmor_restrict_unprivileged_userns") === "1",
    cloneDisabled: readSwitch("kernel/unprivileged_userns_clone") === "0",
    maxUserNamespaces: most === undefined ? undefined : Number(most),
  };
}
