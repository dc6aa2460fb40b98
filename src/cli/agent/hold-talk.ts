import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import {
  type AgentEvent,
  askedCall,
  type Heard,
  humanView,
  linesOf,
  type Question,
  type Reply,
  type Talk,
} from "../../agent/index.ts";
import { printable } from "../../lib/printable.ts";

/** Who listens, and who may answer. */
export interface Listener {
  readonly talk: Talk;
  /** A person reads it; false: each line goes out as it comes. */
  readonly isShown: boolean;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Where a person types; absent: nobody can be asked. */
  readonly typed?: Readable;
  /** The agent's own name for the conversation, as it says it: it comes out of a cell. */
  onConversation(name: string): void;
}

/** What came of a conversation. */
export interface Held {
  /** So many calls were refused because nobody could be asked. */
  readonly refused: number;
  /** How the last turn ended; absent: it did not. */
  readonly end?: "done" | "failed" | "interrupted";
}

/** A conversation that goes on. */
export interface Talking {
  readonly held: Promise<Held>;
  /** Stops the turn; false: it cannot be stopped so, or was asked to already. */
  interrupt(): boolean;
}

const unattended: Reply = {
  may: false,
  why: "Nobody can be asked here; it can be done without asking, or not at all.",
};

const unshown: Reply = { may: false, why: "It cannot be shown to a person." };

/** Talks with an agent to its last line: shows what it does, and puts its questions to the person. */
export function holdTalk(
  agent: { readonly stdin: Writable; readonly stdout: Readable },
  listener: Listener,
): Talking {
  const { talk, stderr, typed } = listener;
  const send = (line: string) => void (agent.stdin.writable && agent.stdin.write(`${line}\n`));
  // An agent that has ended does not hear what is said to it.
  agent.stdin.on("error", () => {});
  let isStopping = false;
  const tell = (text: string) => {
    // What is said now begins a turn, which can be stopped as well.
    isStopping = false;
    const line = agent.stdin.writable ? talk.say(text) : undefined;
    if (line !== undefined) send(line);
    else if (agent.stdin.writable) stderr.write("It hears that when it is done with this.\n");
    else stderr.write("It is done with its task, and hears nothing more.\n");
  };
  const person = typed && new Person(typed, stderr, tell);
  return {
    held: listen(agent, { listener, send, person }),
    interrupt: () => {
      const line = isStopping ? undefined : talk.interrupt?.();
      if (line === undefined) return false;
      isStopping = true;
      send(line);
      person?.letBe();
      return true;
    },
  };
}

/** In which a turn that nobody asked for begins, if it does. */
const LINGER_MS = 500;

async function listen(
  agent: { readonly stdin: Writable; readonly stdout: Readable },
  {
    listener,
    send,
    person,
  }: {
    readonly listener: Listener;
    readonly send: (line: string) => void;
    readonly person: Person | undefined;
  },
): Promise<Held> {
  const { talk, isShown, stdout, onConversation } = listener;
  const show = isShown ? humanView((text) => void stdout.write(text)) : () => {};
  let refused = 0;
  let end: Held["end"];
  for (const line of talk.opening) send(line);
  for await (const line of linesOf(agent.stdout)) {
    if (!isShown && line !== undefined) stdout.write(`${line}\n`);
    const { events, question, reply, isOver, conversation } = read(line, { talk, show });
    if (conversation !== undefined) onConversation(conversation);
    if (reply !== undefined) send(reply);
    if (question !== undefined) {
      if (person === undefined) refused += 1;
      const said = person?.asked(question).catch(() => unshown) ?? Promise.resolve(unattended);
      void said.then((reply) => send(talk.answer(question, reply)));
    }
    const ended = isOver ?? events.map(endIn).find((one) => one !== undefined);
    if (ended !== undefined) {
      // Once it hears nothing more, nothing can be stopped any more.
      if (talk.mayBegin?.() === true) setTimeout(() => agent.stdin.end(), LINGER_MS);
      else agent.stdin.end();
    }
    end = ended ?? end;
  }
  person?.leave();
  return { refused, ...(end && { end }) };
}

const unread: Heard = {
  events: [{ type: "note", text: "It sent a line that cannot be read, and that is left out" }],
};

/** SECURITY(P12): a line comes out of a cell; one that cannot be read, or shown, must not end the work of who reads along. */
function read(
  line: string | undefined,
  { talk, show }: { readonly talk: Talk; readonly show: (event: AgentEvent) => void },
): Heard {
  try {
    const heard = line === undefined ? unread : talk.read(line);
    for (const event of heard.events) show(event);
    return heard;
  } catch {
    for (const event of unread.events) show(event);
    return unread;
  }
}

/** How the turn ended that the event is the end of. */
function endIn(event: AgentEvent): Held["end"] {
  if (event.type !== "ended") return undefined;
  return event.status === "done" || event.status === "interrupted" ? event.status : "failed";
}

/** The person at the terminal: a line answers the question that waits longest, or else is said to the agent. */
class Person {
  readonly #lines: ReturnType<typeof createInterface>;
  readonly #waiting: { readonly text: string; readonly heard: (line: string) => void }[] = [];
  readonly #stderr: Writable;

  constructor(typed: Readable, stderr: Writable, say: (text: string) => void) {
    this.#stderr = stderr;
    this.#lines = createInterface({ input: typed, terminal: false });
    this.#lines.on("line", (line) => {
      const first = this.#waiting.shift();
      if (first !== undefined) first.heard(line);
      else if (line.trim() !== "") say(line);
      this.#putFirst();
    });
    // Whoever went away allows nothing more.
    this.#lines.on("close", () => this.letBe());
  }

  async asked({ tool, input, always, alwaysFor }: Question): Promise<Reply> {
    const what = askedCall(tool, input);
    const about = alwaysFor === undefined ? "" : ` for ${printable(alwaysFor)}`;
    const more = always === undefined ? "" : `, [a]lways${about}`;
    const line = await new Promise<string>((heard) => {
      this.#waiting.push({ text: `? ${what}\n  [y]es${more}, or no and why: `, heard });
      if (this.#waiting.length === 1) this.#putFirst();
    });
    const word = line.trim();
    if (/^(y|yes)$/i.test(word)) return { may: true, always: false };
    if (/^(a|always)$/i.test(word) && always !== undefined) return { may: true, always: true };
    const isBare = /^(n|no)?$/i.test(word);
    return { may: false, why: isBare ? "The person does not want it." : `The person says: ${word}` };
  }

  /** What waits for an answer is not allowed. */
  letBe(): void {
    for (const { heard } of this.#waiting.splice(0)) heard("");
  }

  leave(): void {
    this.#lines.close();
  }

  #putFirst(): void {
    const [first] = this.#waiting;
    if (first !== undefined) this.#stderr.write(first.text);
  }
}
