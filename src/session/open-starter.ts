import { monotonicMs } from "../lib/monotonic.ts";
import { isLayered, withCommand } from "../plan/index.ts";
import { type Decided, decide } from "./decide.ts";
import { abandonReady, type ReadyCell, readyCell } from "./ready-cell.ts";
import type { RunningCell, RunRequest } from "./request.ts";
import { type SharedStart, startCell } from "./run-once.ts";

/** When the next cell is made ready, in ms: a command that has just begun is what its own caller waits for. */
const PAUSE_MS = 2;
/** What killed runs left is looked for again after this time, in ms. */
const LOOK_AGAIN_MS = 1000;

type OwnOfEach = "command" | "stdio" | "terminal" | "signal";

/** What all cells of a starter have in common. */
export type StarterRequest = Omit<RunRequest, OwnOfEach>;

/** Starts cells for a process that stays. */
export interface Starter {
  /** As startCell(); the settings and the machine are as they were when the starter was opened. */
  start(one: Pick<RunRequest, OwnOfEach>): Promise<RunningCell>;
  /** Takes away what was made ready and is not needed any more. What runs goes on. */
  close(): Promise<void>;
}

/** Whether a cell can be made ready for nobody: a session of its own, and nothing of the person's in it. */
const isPlain = ({ settings, policy }: Decided) =>
  settings.session === undefined &&
  !policy.folders.some((folder) => isLayered(folder) || folder.mode === "rw");

/**
 * Keeps one cell ready, up to its first process, which is the first to know the command. What goes wrong with that is
 * met again, and said, by the start that finds none.
 */
class Spare {
  readonly #make: () => Promise<ReadyCell>;
  #ready: ReadyCell | undefined;
  #making: Promise<void> | undefined;
  #isClosed = false;

  constructor(make: () => Promise<ReadyCell>) {
    this.#make = make;
  }

  take({ command, terminal = false }: RunRequest): ReadyCell | undefined {
    const ready = terminal ? undefined : this.#ready;
    if (ready === undefined) return undefined;
    this.#ready = undefined;
    return { ...ready, plan: withCommand(ready.plan, command) };
  }

  fill(): void {
    if (this.#ready !== undefined || this.#making !== undefined || this.#isClosed) return;
    this.#making = this.#make()
      .then(async (ready) => {
        if (this.#isClosed) await abandonReady(ready);
        else this.#ready = ready;
      })
      .catch(() => {})
      .finally(() => {
        this.#making = undefined;
      });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#making;
    if (this.#ready !== undefined) await abandonReady(this.#ready);
    this.#ready = undefined;
  }
}

/**
 * Decides once for many cells of a process that stays, and makes each ready while nothing waits for it: settings and
 * facts are read now, and no more. To follow a change of either, open another. Throws WorkcellError where a start would.
 */
export async function openStarter(request: StarterRequest): Promise<Starter> {
  const decided = await decide(request);
  // Who gives credentials is closed with its cell.
  if (decided.held !== undefined) {
    decided.held.close();
    return { start: (one) => startCell({ ...request, ...one }), close: async () => {} };
  }
  const empty = { ...request, command: [], stdio: ["ignore", "ignore", "ignore"] } as const;
  const spare = new Spare(() => readyCell(empty, decided));
  const fill = () => {
    if (isPlain(decided)) spare.fill();
  };
  let lookedAt = Number.NEGATIVE_INFINITY;
  const shared: SharedStart = {
    decided,
    takeReady: (one) => spare.take(one),
    looksAround: () => {
      if (monotonicMs() - lookedAt < LOOK_AGAIN_MS) return false;
      lookedAt = monotonicMs();
      return true;
    },
  };
  fill();
  return {
    start: async (one) => {
      const running = await startCell({ ...request, ...one }, shared);
      setTimeout(fill, PAUSE_MS).unref();
      return running;
    },
    close: () => spare.close(),
  };
}
