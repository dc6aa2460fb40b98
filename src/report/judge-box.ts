import type { Attempt, InsideView, Neighbours, OutsideView, ParentDeath, Reach } from "./observations.ts";
import { fromBoth, type Judge, refused, required, type Verdict, whenSeen } from "./verdict.ts";

const basename = (file: string) => file.slice(file.lastIndexOf("/") + 1);
const own = (outside: OutsideView, name: string) => ({
  holds: outside.ownNamespaces.includes(name),
  otherwise: `the ${name} namespace is the host's`,
});

function judgeMethod(inside: InsideView, outside: OutsideView): Verdict {
  const first = inside.processes.find(({ pid }) => pid === 1)?.comm ?? "nothing";
  return required(
    `PID 1 is \`${first}\`; on the host it is PID ${outside.pid}, ${outside.program}`,
    "inside: /proc/1/comm; host: /proc/PID/exe of the same process",
    [
      { holds: first === "bwrap", otherwise: `PID 1 is ${first}` },
      { holds: basename(outside.program) === "bwrap", otherwise: `the host runs ${outside.program}` },
    ],
  );
}

function directAttempts(inside: InsideView, outside: OutsideView) {
  const { direct, directToAddress } = inside.attempts;
  const nowhere: Attempt = { ok: false, detail: "not tried on the host" };
  const loopback = refused("a direct connect to the host's loopback", direct, outside.controls.direct);
  if (directToAddress === null) return loopback;
  const control = outside.controls.directToAddress ?? nowhere;
  return [...loopback, ...refused("a direct connect to the host's address", directToAddress, control)];
}

function judgeNetwork(inside: InsideView, outside: OutsideView): Verdict {
  const { direct, directToAddress } = inside.attempts;
  const option = outside.arguments.find((word) => /^--unshare-(net|all)$/.test(word));
  const tried = [direct, ...(directToAddress ? [directToAddress] : [])].map(({ detail }) => detail);
  return required(
    `interfaces: ${inside.interfaces.join(", ")}; direct connects: ${tried.join(", ")}`,
    "inside: /proc/net/dev, connects without proxy (control: the same connects succeed on the host); " +
      `host: net namespace of PID 1 beside Workcell's own, started with ${option ?? "neither --unshare-net nor -all"}`,
    [
      own(outside, "net"),
      { holds: option !== undefined, otherwise: "bwrap was not told to unshare the network" },
      { holds: inside.interfaces.join() === "lo", otherwise: "there is more than the loopback interface" },
      ...directAttempts(inside, outside),
    ],
  );
}

function judgeProcesses(inside: InsideView, outside: OutsideView): Verdict {
  const { processes } = inside;
  const strangers = processes.filter(({ pid }) => pid > inside.pid).map(({ comm }) => comm);
  return required(
    `sees PIDs ${processes.map(({ pid }) => pid).join(", ")} and no others`,
    "inside: all of /proc; host: PID namespace of PID 1 beside Workcell's own",
    [
      own(outside, "pid"),
      { holds: processes.some(({ pid }) => pid === 1), otherwise: "there is no PID 1 to be seen" },
      { holds: strangers.length === 0, otherwise: `other processes are visible: ${strangers.join(", ")}` },
    ],
  );
}

function judgeParentDeath(death: ParentDeath): Verdict {
  const { processesBefore, processesAfter, mountsLeft, afterMs } = death;
  return required(
    `${processesBefore} processes before, ${processesAfter} after ${Math.round(afterMs)} ms, ${mountsLeft} mounts left`,
    "host: a second Workcell with a running cell was killed by SIGKILL; /proc and its mounts watched for 1 s",
    [
      { holds: processesBefore > 0, otherwise: "the cell had not been alive" },
      { holds: processesAfter === 0 && afterMs <= 1000, otherwise: "processes of it are alive after 1 s" },
      { holds: mountsLeft === 0, otherwise: "mounts of it are left" },
    ],
  );
}

function judgeTerminal(inside: InsideView): Verdict {
  const { processes, attempts } = inside;
  const held = processes.filter(({ terminal }) => terminal !== 0).map(({ pid }) => pid);
  const foreign = processes.filter(({ session }) => session === 0).map(({ pid }) => pid);
  return required(
    `no process has a controlling terminal; every session leader lives in the cell; /dev/tty: ${attempts.terminal.detail}`,
    "inside: tty_nr and session in /proc/PID/stat of every process, open of /dev/tty. TIOCSTI needs a controlling " +
      "terminal or a capability, and there is neither",
    [
      { holds: held.length === 0, otherwise: `PIDs ${held.join(", ")} have a controlling terminal` },
      { holds: foreign.length === 0, otherwise: `PIDs ${foreign.join(", ")} are in a session of the host` },
      { holds: !attempts.terminal.ok, otherwise: "/dev/tty could be opened" },
    ],
  );
}

function reachRequirements(whose: string, reaches: readonly Reach[]) {
  return reaches.flatMap(({ what, across, control }) => refused(`${what} (${whose})`, across, control));
}

function judgeNeighbours({ sessions, towardsCell, towardsHost }: Neighbours): Verdict {
  const tried = [...new Set([...towardsCell, ...towardsHost].map(({ what }) => what))];
  return required(
    `cells ${sessions.join(" and ")}; ${towardsCell.length} ways to reach the other, ${towardsHost.length} to ` +
      "reach the host, none went through",
    `two cells at once, tried: ${tried.join(", ")} (control: each succeeds for the owner)`,
    [
      { holds: new Set(sessions).size === 2, otherwise: "there were not two different cells" },
      { holds: towardsCell.length > 0 && towardsHost.length > 0, otherwise: "nothing was tried" },
      ...reachRequirements("the other cell's", towardsCell),
      ...reachRequirements("the host's", towardsHost),
    ],
  );
}

/** Sandbox. */
export const boxJudges: Readonly<Record<string, Judge>> = {
  "box.method": fromBoth(judgeMethod),
  "box.net": fromBoth(judgeNetwork),
  "box.pid": fromBoth(judgeProcesses),
  "box.die-with-parent": ({ parentDeath }) => whenSeen(parentDeath, judgeParentDeath),
  "box.new-session": ({ inside }) => whenSeen(inside, judgeTerminal),
  "box.neighbours": ({ neighbours }) => whenSeen(neighbours, judgeNeighbours),
};
