import type { AgentEvent } from "../loop/events.ts";

/** Whose interface an agent's model is asked by. */
export type ModelApi = "messages" | "responses" | "gemini";

/** What a program that drives an agent speaks with it on stdin and stdout. */
export type HostDialect = "stream-json" | "acp";

/** What is asked of an agent, whichever it is. */
export interface AgentWork {
  /** Absent: its own terminal interface runs. */
  readonly task?: string;
  /** Absent: the agent's own choice. */
  readonly model?: string;
  readonly output: "human" | "json" | HostDialect;
  /** Its own terminal interface runs, the task being the first thing said; without a task it does so anyway. */
  readonly onScreen?: boolean;
  /** The task comes as the first thing said on stdin, and what is asked goes out by stdout. */
  readonly isTalked?: boolean;
  /** The agent's own flags, from the program that drives it; its rules for what is asked then count. */
  readonly passed?: readonly string[];
  /** Goes on with a conversation of the session's home. */
  readonly goesOn: boolean;
  /** Which one, by the agent's own name for it; absent: the newest. */
  readonly conversation?: string;
  /** What is asked before it is done, in the agent's own word; absent: what the cell lets through needs no asking. */
  readonly permissionMode?: string;
  /** The person agreed to its own configuration in a folder; what was not agreed to is covered. */
  readonly isAgreed?: boolean;
  /** As in the reference: its seven tools and no others, and its model unless another is named. */
  readonly asReference: boolean;
}

/** Where the agent's model is asked, as the cell knows it: an address and placeholders, never a credential. */
export interface Endpoint {
  readonly url: string;
  /** ANTHROPIC_BASE_URL and its like, with placeholders. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What an agent asks before it does it. */
export interface Question {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  /** What it would not ask again after "always", in its own words; absent: there is no such answer. */
  readonly always?: readonly object[];
  /** What "always" is about, as a person reads it; absent: what is asked. */
  readonly alwaysFor?: string;
}

/** What the person says to it. */
export type Reply =
  | { readonly may: true; readonly always: boolean }
  | { readonly may: false; readonly why: string };

/** What one line of an agent's tells. */
export interface Heard {
  readonly events: readonly AgentEvent[];
  readonly question?: Question;
  /** A line that it waits for, whatever the person thinks. */
  readonly reply?: string;
  /** Nothing more comes of the task; an event that says so does as well. */
  readonly isOver?: "done" | "failed" | "interrupted";
  /** Its own name for this conversation. */
  readonly conversation?: string;
}

/** A conversation with an agent by its stdin and stdout, line by line. */
export interface Talk {
  /** What it is told first. */
  readonly opening: readonly string[];
  read(line: string): Heard;
  /** The line that answers a question. */
  answer(question: Question, reply: Reply): string;
  /** The line by which the person says something while it works; `undefined`: it is told when its turn is done. */
  say(text: string): string | undefined;
  /**
   * The line that stops the turn; absent or `undefined`: it cannot be stopped without being ended. What was said before
   * and not heard yet begins no turn of its own; what is said from then on does.
   */
  interrupt?(): string | undefined;
  /** Whether a turn may yet begin by itself that is to be stopped, too; absent: it may not. */
  mayBegin?(): boolean;
}

/** Where a conversation is held, and which one. */
export interface TalkPlace {
  /** The folder in which the agent was started. */
  readonly cwd: string;
  /** The one that is gone on with, by the agent's own name for it; absent: a new one. */
  readonly conversation?: string;
  /** Whether anything is to be asked before it is done. */
  readonly isAsking: boolean;
}

/** Where an agent finds its own configuration in a folder. */
export interface OwnConfig {
  readonly names: readonly string[];
  /** Files that it would else write there before it starts, by their names; what was agreed to cannot be written to. */
  readonly written?: Readonly<Record<string, string>>;
  /** It cannot be told to leave it all alone: what nobody agreed to is covered, or the agent not started. */
  readonly isReadAnyway?: true;
}

/** How an agent is started in a cell. */
export interface AgentStart {
  /** What follows its program. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Files of the session's home that it would else ask a person for; written where there are none. */
  readonly homeFiles?: Readonly<Record<string, string>>;
  /** What the cell's shell does before it becomes the agent. */
  readonly before?: string;
}

/** An agent: what Workcell must know to start it. */
export interface AgentDriver {
  readonly name: string;
  /** As a person calls it. */
  readonly title: string;
  readonly api: ModelApi;
  /** How a program on the host may drive it; absent: not at all. */
  readonly speaks?: readonly HostDialect[];
  /** Of the ways of asking for permission those that it has; absent: all of them. */
  readonly asks?: readonly string[];
  /** The person's own install; absent: Workcell's. */
  readonly installed?: { readonly program: string; readonly npmPackage: string };
  /** Hosts that it tries for its maker's sake and does without: refused like any other, and not told of each time. */
  readonly quietHosts?: readonly string[];
  /** Calls that it only tries, as they are told of: likewise. */
  readonly quietCalls?: readonly string[];
  /** Its own configuration in the folder where it works and in those above; absent: it is left alone whatever the person says. */
  readonly config?: OwnConfig;
  /** Reads what it prints at work, line by line; absent: a person can read that as it is. */
  readonly events?: () => (line: string) => readonly AgentEvent[];
  /** How it is talked with at a task; absent: the task stands in its words, and what it prints a person can read. */
  readonly talk?: (task: string, place: TalkPlace) => Talk;
  /** A program that only reads along gets the lines that it prints by itself; then it is talked with only where it is to ask something. */
  readonly printsLines?: true;
  /** How it goes on with a conversation while it is talked with: by its name alone; absent: by the words that it is started with. */
  readonly resumes?: "by name";
  start(work: AgentWork, endpoint: Endpoint): AgentStart;
}

/** The model of the reference. */
export const referenceModel = "claude-opus-4-5-20251101";

/** The tools of the reference, in its order. */
export const referenceTools = ["Task", "Bash", "Glob", "Grep", "Read", "Edit", "Write"] as const;

/** A flag with its value, where there is one. */
export const flagWith = (name: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [name, value];
