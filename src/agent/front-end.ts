import type { Writable } from "node:stream";
import { printable } from "../lib/printable.ts";
import type { Driver } from "./driver.ts";
import type { Asked } from "./flags.ts";
import type { Agent } from "./loop/agent.ts";
import type { AgentEvent, TurnEnd } from "./loop/events.ts";
import type { Wanted } from "./loop/make-calls.ts";
import { outputTokensOf, type PromptWords } from "./make-agent.ts";
import type { Answer, Askers, Permissions } from "./permit.ts";
import { askedCall } from "./protocol/asked-call.ts";
import { claudeView, resultOf } from "./protocol/claude-dialect.ts";
import { Host } from "./protocol/host.ts";
import { humanView } from "./protocol/human.ts";
import { readAll, readLines } from "./protocol/lines.ts";
import type { World } from "./world.ts";

/** How the agent and whoever started it talk. */
export interface FrontEnd {
  readonly emit: (event: AgentEvent) => void;
  readonly askers: Askers;
  readonly canAsk: boolean;
  /** From now on what comes on stdin counts. */
  begin(reins: {
    readonly agent: Agent;
    readonly permissions: Permissions;
    readonly defaultModel: string;
    readonly setPrompt: (words: PromptWords) => void;
  }): void;
  turnEnded(end: TurnEnd): void;
  /** Calls back when nobody reads stdout any more. */
  onGone(gone: () => void): void;
  close(): void;
}

interface Parts {
  readonly asked: Asked;
  readonly world: World;
  readonly driver: Driver;
  readonly session: string;
}

export function makeFrontEnd(parts: Parts): FrontEnd {
  return parts.asked.input === "stream-json" ? hostFrontEnd(parts) : personFrontEnd(parts);
}

const jsonLine = (stream: Writable) => (message: object) => void stream.write(`${JSON.stringify(message)}\n`);

function viewOf({ asked, world }: Parts): (event: AgentEvent) => void {
  const write = jsonLine(world.stdout);
  const put = (text: string) => void world.stdout.write(text);
  if (asked.output === "human") return humanView(put);
  if (asked.output === "json") return (event) => eventLine(event, write);
  if (asked.output === "stream-json")
    return claudeView(write, {
      version: world.version,
      partial: asked.has("--include-partial-messages"),
      replay: asked.has("--replay-user-messages"),
      apiKeySource: world.env["ANTHROPIC_API_KEY"] ? "ANTHROPIC_API_KEY" : "none",
      contextTokens: asked.contextTokens,
      outputTokens: outputTokensOf(world),
      skills: [],
    });
  return (event) => {
    if (event.type !== "ended") return;
    if (asked.output === "result") write(resultOf(event, { ...asked, outputTokens: outputTokensOf(world) }));
    else
      put(
        `${event.failure === undefined ? event.text : `${event.failure.message}\n${event.failure.remedy}`}\n`,
      );
  };
}

/** Of what streams, the text; everything else is in the whole message. */
function eventLine(event: AgentEvent, write: (message: object) => void): void {
  if (event.type !== "stream") write(event);
  else if (event.event.type === "content_block_delta" && event.event.delta.type === "text_delta")
    write({ type: "text", text: event.event.delta.text, parent: event.parent });
}

function common({ world, driver }: Parts, { stopsReading }: { readonly stopsReading: boolean }) {
  return {
    turnEnded: () => {},
    onGone: (gone: () => void) => void world.stdout.on("error", gone),
    close: () => {
      driver.close();
      if (stopsReading) world.stdin.destroy();
    },
  };
}

/** A program that speaks Claude Code's dialect on stdin. */
function hostFrontEnd(parts: Parts): FrontEnd {
  const { asked, world, driver, session } = parts;
  let reins: Parameters<FrontEnd["begin"]>[0] | undefined;
  const note = (text: string) => void world.stderr.write(`workcell-agent: ${printable(text)}\n`);
  const host = new Host(jsonLine(world.stdout), {
    session: { id: session, cwd: world.cwd },
    reins: {
      submit: (content) => driver.submit(content),
      interrupt: () => void driver.interrupt(),
      setModel: (model) => {
        if (reins !== undefined) reins.agent.model = model ?? reins.defaultModel;
      },
      setMode: (mode) => {
        if (reins !== undefined) reins.permissions.mode = mode;
      },
      setPrompt: (words) => reins?.setPrompt(words),
      note,
    },
  });
  const person = asked.value("--permission-prompt-tool") === "stdio" || asked.has("--stream-json");
  return {
    ...common(parts, { stopsReading: true }),
    emit: viewOf(parts),
    askers: host.askers({ person }),
    canAsk: true,
    begin: (given) => {
      reins = given;
      if (asked.prompt !== undefined) driver.submit([{ type: "text", text: asked.prompt }]);
      readLines(world.stdin, {
        onLine: (line) => host.take(line),
        onEnd: () => {
          host.close();
          driver.close();
        },
      });
    },
  };
}

/** Without them a person who has nothing but an empty line before them cannot know whose turn it is. */
const hints = {
  begin: "Type a task and press Enter. Ctrl-C stops the work, and when nothing runs it ends the agent.\n",
  interrupted: "Type what to do instead, or press Ctrl-C again to end the agent.\n",
} as const;

/** A person, or a program that only hands a task over. */
function personFrontEnd(parts: Parts): FrontEnd {
  const { asked, world, driver } = parts;
  const isTalk = world.stdin.isTTY === true && (asked.output === "human" || asked.output === "json");
  const emit = viewOf(parts);
  const questions = new Questions((text) => void world.stderr.write(text));
  const person = (call: Wanted, signal: AbortSignal) => askPerson(call, { signal, questions });
  const hint = (text: string) => {
    if (isTalk && asked.output === "human" && driver.isWaiting) world.stderr.write(text);
  };
  const submit = (text: string) => driver.submit([{ type: "text", text }]);
  const begin = async () => {
    if (isTalk) {
      if (asked.prompt !== undefined) submit(asked.prompt);
      hint(hints.begin);
      const onLine = (line: string) => {
        if (!questions.take(line)) submit(line);
      };
      readLines(world.stdin, { onLine, onEnd: () => driver.close() });
      return;
    }
    const takesInput = asked.prompt === undefined || asked.output === "text" || asked.output === "result";
    const input = takesInput && world.stdin.isTTY !== true ? await readAll(world.stdin) : "";
    const task = [asked.prompt ?? "", input].filter((text) => text.trim() !== "").join("\n\n");
    if (task !== "") submit(task);
    else world.stderr.write('workcell-agent: There is no task.\n  remedy: Name one: workcell-agent "TASK"\n');
    driver.close();
  };
  return {
    ...common(parts, { stopsReading: true }),
    emit,
    askers: isTalk ? { person } : {},
    canAsk: isTalk,
    begin: () => void begin(),
    // With a task on the command line the work ends with it, unless the person stopped it to say something else.
    turnEnded: (end) => {
      if (end.status === "interrupted") hint(hints.interrupted);
      else if (isTalk && asked.prompt !== undefined) driver.close();
    },
  };
}

/** Questions of agents side by side: one is shown at a time, and the next line is about that one. */
class Questions {
  readonly #write: (text: string) => void;
  #waiting: {
    readonly text: string;
    readonly heard: (line: string) => void;
    readonly signal: AbortSignal;
  }[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  ask(text: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const one = { text, heard: resolve, signal };
      const drop = () => {
        const isShown = this.#waiting[0] === one;
        this.#waiting = this.#waiting.filter((other) => !other.signal.aborted);
        resolve("n");
        if (isShown) this.#showFirst();
      };
      if (signal.aborted) return resolve("n");
      signal.addEventListener("abort", drop, { once: true });
      this.#waiting.push(one);
      if (this.#waiting.length === 1) this.#showFirst();
    });
  }

  /** Whether somebody waited for the line. */
  take(line: string): boolean {
    const first = this.#waiting.shift();
    first?.heard(line);
    this.#showFirst();
    return first !== undefined;
  }

  #showFirst(): void {
    const [first] = this.#waiting;
    if (first !== undefined) this.#write(first.text);
  }
}

/** Puts a question to the person, whose next line is the answer. */
async function askPerson(
  call: Wanted,
  { signal, questions }: { readonly signal: AbortSignal; readonly questions: Questions },
): Promise<Answer> {
  const text = `? ${askedCall(call.tool.name, call.input)}\n  [y]es, [a]lways ${call.tool.name}, or no and why: `;
  const line = await questions.ask(text, signal);
  const word = line.trim();
  if (/^(y|yes)$/i.test(word)) return { may: true };
  if (/^(a|always)$/i.test(word)) return { may: true, alwaysAllow: [call.tool.name] };
  return {
    may: false,
    why: /^(n|no)?$/i.test(word) ? "The person does not want it." : `The person says: ${word}`,
  };
}
