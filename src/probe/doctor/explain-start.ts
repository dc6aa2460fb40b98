import { type Explanation, explainFailure, rootRemedy } from "./explain-failure.ts";
import type { HostLimits } from "./host-limits.ts";

/** What bubblewrap says when it may not make its namespaces or its /proc; of a folder it says something else. */
const sandboxRefused =
  /bwrap: (No permissions to create|Creating new namespace|[Ss]etting up [ug]id map|loopback:|Can't set hostname|Can't mount proc on)/;
const mountsRefused = /make a private mount namespace .*EPERM/;
const listenerTaken = /install the filter .*EBUSY/;

/** Root is not the machine's: a container without this capability. */
function mountsExplanation({ container }: HostLimits): Explanation {
  const here =
    container === undefined
      ? "Give the container that capability (--cap-add SYS_ADMIN --cap-add SYS_PTRACE)"
      : rootRemedy(container);
  return {
    reason: "root may not mount anything here (it lacks CAP_SYS_ADMIN, or a filter or AppArmor refuses it)",
    remedy: `${here}; or run Workcell as an ordinary user`,
  };
}

const takenExplanation: Explanation = {
  reason: "another program watches Workcell's own system calls, and the kernel allows one such watcher only",
  remedy: "Start Workcell outside of that program: a container engine or tracer that answers system calls",
};

/** Explains from what cellhost and bwrap said why the machine holds no cell; undefined where it is something else. */
export function explainStart(text: string, limits: HostLimits, bwrap: string): Explanation | undefined {
  if (sandboxRefused.test(text)) return explainFailure(text, limits, bwrap);
  if (mountsRefused.test(text)) return mountsExplanation(limits);
  return listenerTaken.test(text) ? takenExplanation : undefined;
}
