import type { ContainerKind, HostLimits } from "./host-limits.ts";

/** Why no sandbox can be built, and what the person does about it. */
export interface Explanation {
  readonly reason: string;
  readonly remedy: string;
}

const containerOptions: Readonly<Record<ContainerKind, string>> = {
  docker:
    "Start the container with: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined",
  podman: "Start the container with: podman run --security-opt seccomp=unconfined --security-opt unmask=ALL",
  kubernetes:
    "Set in the pod: hostUsers: false, and in the container's securityContext: procMount: Unmasked, seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}",
  another:
    "Start the container with user namespaces and an unmasked /proc, with Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined",
};

const rootOptions: Readonly<Record<ContainerKind, string>> = {
  docker:
    "Start the container with: docker run --cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt apparmor=unconfined",
  podman: "Start the container with: podman run --cap-add SYS_ADMIN --cap-add SYS_PTRACE",
  kubernetes:
    "Set in the container's securityContext: capabilities: {add: [SYS_ADMIN, SYS_PTRACE]}, appArmorProfile: {type: Unconfined}",
  another: "Start the container with the capabilities SYS_ADMIN and SYS_PTRACE",
};

/** How a container has to be started so that its root's cells can run in it. */
export function rootRemedy(kind: ContainerKind): string {
  return rootOptions[kind];
}

/** How a container has to be started so that an ordinary user's cells can run in it. */
export function containerRemedy(kind: ContainerKind): string {
  return containerOptions[kind];
}

function appArmor(bwrap: string): Explanation {
  const file = "/etc/apparmor.d/workcell-bwrap";
  const profile = `abi <abi/4.0>,\\nprofile workcell-bwrap ${bwrap} flags=(unconfined) { userns, }\\n`;
  return {
    reason: "AppArmor keeps programs without a profile of their own from using user namespaces",
    remedy: `Give bubblewrap a profile, as root: printf '${profile}' > ${file} && apparmor_parser -r ${file}`,
  };
}

/** bwrap may not mount a /proc, where none is seen whole. */
export const maskedProc = /mount proc on .*(Operation not permitted|Permission denied)/;
const tooOld = /Unknown option (--\S+)/;
const limitReached = /ENOSPC|No space left on device|max_\*_namespaces/;
const mapRefused = /uid[ _]?map|RTM_NEWADDR|gid[ _]?map/;
/** A namespace was made, and then the container's filter goes by the capabilities outside of it. */
const nameRefused = /set hostname/;
const refused = /No permissions to create|Operation not permitted|Permission denied|EPERM/;

function limitExplanation(limits: HostLimits): Explanation {
  if (limits.maxUserNamespaces === 0)
    return {
      reason: "user namespaces are switched off (user.max_user_namespaces is 0)",
      remedy: "Switch them on, as root: sysctl -w user.max_user_namespaces=65536",
    };
  return {
    reason:
      "user namespaces are not available here (the limit of the surrounding sandbox or of the user is reached)",
    remedy:
      "Run Workcell outside of the sandbox it is in, or raise the limit, as root: sysctl -w user.max_user_namespaces=65536",
  };
}

function refusedExplanation(text: string, limits: HostLimits, bwrap: string): Explanation {
  if (limits.cloneDisabled)
    return {
      reason: "user namespaces are for root only (kernel.unprivileged_userns_clone is 0)",
      remedy: "Allow them, as root: sysctl -w kernel.unprivileged_userns_clone=1",
    };
  if (limits.container !== undefined && nameRefused.test(text))
    return {
      reason:
        "this container's seccomp filter refuses part of what makes a sandbox (it may not set its host name)",
      remedy: containerRemedy(limits.container),
    };
  if (limits.container !== undefined)
    return {
      reason: "this container has no user namespaces (its seccomp filter or AppArmor profile refuses them)",
      remedy: containerRemedy(limits.container),
    };
  if (limits.apparmorRestricts) return appArmor(bwrap);
  return {
    reason: "the kernel refuses user namespaces to this user",
    remedy:
      "Look what refuses them, as root: dmesg | grep -i -e apparmor -e avc; in a container, start it with --security-opt seccomp=unconfined",
  };
}

/** Explains why root could not start a program as the cell's user. */
export function explainIdentity(uid: number, failure: string): Explanation {
  return {
    reason: `root cannot become uid ${uid} (${failure})`,
    remedy: "Set WORKCELL_UID_RANGE to uids that this container has, see /proc/self/uid_map",
  };
}

/** Explains an error text of bwrap or unshare. The switches tell causes apart that have one text. */
export function explainFailure(text: string, limits: HostLimits, bwrap = "/usr/bin/bwrap"): Explanation {
  const option = tooOld.exec(text)?.[1];
  if (option !== undefined)
    return {
      reason: `this version does not know ${option}`,
      remedy: "Install bubblewrap 0.8.0 or newer",
    };
  if (maskedProc.test(text))
    return {
      reason: "/proc is masked, as in a container: a fresh one cannot be mounted",
      remedy: containerRemedy(limits.container ?? "another"),
    };
  if (limitReached.test(text)) return limitExplanation(limits);
  // Outside of containers nothing else is known to let a namespace be made and then refuse its first use.
  if (mapRefused.test(text) && (limits.apparmorRestricts || limits.container === undefined))
    return appArmor(bwrap);
  if (refused.test(text)) return refusedExplanation(text, limits, bwrap);
  const line = text.trim().split("\n").at(-1) ?? "";
  return {
    reason: line === "" ? "it ended without a word" : line,
    remedy: "Run it by hand to see more: bwrap --unshare-all --ro-bind / / --proc /proc true",
  };
}
