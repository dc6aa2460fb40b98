import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Line } from "./messages-api.ts";

const root = path.resolve(import.meta.dirname, "../..");
const version = "0.3.330";

/** A conversation of the Claude Agent SDK with the program that it was told is Claude Code. */
export interface Query extends AsyncGenerator<Line> {
  interrupt(): Promise<unknown>;
  setModel(model: string): Promise<void>;
  setPermissionMode(mode: string): Promise<void>;
  initializationResult(): Promise<Readonly<Record<string, unknown>>>;
}

type Permission = (
  tool: string,
  input: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
) => Promise<object>;

export interface QueryOptions extends Readonly<Record<string, unknown>> {
  readonly pathToClaudeCodeExecutable: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly canUseTool?: Permission;
}

export interface ClaudeSdk extends Disposable {
  /** Why it is not there; "": it is. */
  readonly problem: string;
  query(how: { readonly prompt: string | AsyncIterable<object>; readonly options: QueryOptions }): Query;
  /** What the SDK's own types say against these messages, as the compiler puts it; "": nothing. */
  typeFaults(messages: readonly Line[], initialized: object): string;
}

/**
 * The Claude Agent SDK from the registry that whoever runs the tests has configured, without the Claude Code that it
 * brings; it is nobody's to ship. Where it cannot be had, the tests are skipped by name.
 */
export async function installClaudeSdk(): Promise<ClaudeSdk> {
  const place = mkdtempSync(path.join(tmpdir(), "workcell-claude-sdk-"));
  chmodSync(place, 0o755);
  const words = ["install", "--omit=optional", "--legacy-peer-deps", "--ignore-scripts"];
  // npx, which may have started the tests, says things of its own to npm.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$)/.test(name)),
  );
  const installed = spawnSync(
    "npm",
    [...words, "--no-audit", "--no-fund", "--prefix", place, `@anthropic-ai/claude-agent-sdk@${version}`],
    { env, encoding: "utf8", timeout: 50_000 },
  );
  const why = `${installed.stderr}`.trim().replace(/\s+/g, " ").slice(-400);
  const module = await import(
    pathToFileURL(path.join(place, "node_modules/@anthropic-ai/claude-agent-sdk/sdk.mjs")).href
  ).catch(() => undefined);
  return {
    problem: module === undefined ? `The Claude Agent SDK ${version} could not be installed: ${why}` : "",
    query: (how) => module.query(how),
    typeFaults: (messages, initialized) => typeFaults(place, messages, initialized),
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true }),
  };
}

/** What the model's API said is passed on as it came, so it is not the agent's: of these fields nothing is checked. */
const fromApi: Readonly<Record<string, string>> = { assistant: "message", stream_event: "event" };

function typeFaults(place: string, messages: readonly Line[], initialized: object): string {
  const lines = messages.map((message) => {
    const passed = fromApi[message.type];
    const { [passed ?? ""]: _, ...own } = message;
    const literal = JSON.stringify(own).replace(/\}$/, passed === undefined ? "}" : `,${passed}: api}`);
    return `isMessage(${literal});`;
  });
  const source = `import type { SDKControlInitializeResponse, SDKMessage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
declare const api: any;
// Newer programs add fields, so more than is known is no fault; how many tokens were thought with, the API does not say.
type Told<T> = T extends SDKResultMessage ? Omit<T, "usage"> & { usage: Omit<T["usage"], "output_tokens_details"> } : T;
declare function isMessage<T extends Told<SDKMessage>>(message: T): void;
declare function isInitialized<T extends SDKControlInitializeResponse>(response: T): void;
isInitialized(${JSON.stringify(initialized)});
${lines.join("\n")}
`;
  writeFileSync(path.join(place, "messages.ts"), source);
  writeFileSync(path.join(place, "package.json"), '{ "type": "module" }\n');
  const types = path.join(place, "node_modules/@anthropic-ai/sdk");
  if (!existsSync(types)) symlinkSync(path.join(root, "node_modules/@anthropic-ai/sdk"), types);
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"];
  const known = ["--typeRoots", path.join(root, "node_modules/@types"), "--types", "node"];
  const compiler = path.join(root, "node_modules/.bin/tsc");
  const { stdout } = spawnSync(compiler, [...options, ...known, "messages.ts"], {
    cwd: place,
    encoding: "utf8",
  });
  return stdout;
}
