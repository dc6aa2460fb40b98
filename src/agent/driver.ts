import type { Agent } from "./loop/agent.ts";
import type { TurnEnd } from "./loop/events.ts";
import type { ContentBlockParam } from "./model/messages.ts";

/** Hands the agent what the person says: a turn for the first message, and into the running turn what comes meanwhile. */
export class Driver {
  readonly #queue: ContentBlockParam[][] = [];
  #interrupt: AbortController | undefined;
  #isClosed = false;
  #wake: () => void = () => {};

  submit(content: readonly ContentBlockParam[]): void {
    this.#queue.push([...content]);
    this.#wake();
  }

  /** Nothing more will be said. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Stops the running turn; false: there is none, or it is being stopped already. */
  interrupt(): boolean {
    if (this.#interrupt === undefined || this.#interrupt.signal.aborted) return false;
    this.#interrupt.abort();
    return true;
  }

  /** Forgets what was said and has not been heard; false: nothing was. */
  forget(): boolean {
    return this.#queue.splice(0).length > 0;
  }

  /** Whether it is for the person to say something: nothing is queued, and more may come. */
  get isWaiting(): boolean {
    return this.#queue.length === 0 && !this.#isClosed;
  }

  /** What has been said since it was last asked. */
  heard(): ContentBlockParam[] {
    return this.#queue.splice(0).flat();
  }

  /** Turn after turn, until nothing more will be said; the last turn's end. */
  async run(
    agent: Agent,
    on: { readonly begun: () => void; readonly ended: (end: TurnEnd) => void },
  ): Promise<TurnEnd | undefined> {
    let last: TurnEnd | undefined;
    for (;;) {
      if (this.#queue.length === 0) {
        if (this.#isClosed) return last;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#interrupt = new AbortController();
      on.begun();
      last = await agent.turn(this.heard(), this.#interrupt);
      this.#interrupt = undefined;
      on.ended(last);
    }
  }
}
