import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import type { InitializeResponse, NewSessionResponse, SessionModeState } from "@agentclientprotocol/sdk";
import type { Asked } from "../flags.ts";
import { permissionModes } from "../loop/permissions.ts";
import { findSession, transcriptFolder } from "../loop/transcript.ts";
import { readLines } from "../protocol/lines.ts";
import type { World } from "../world.ts";
import { AcpSession } from "./acp-session.ts";
import { JsonRpc, RpcFault } from "./json-rpc.ts";
import { contentOf } from "./prompt.ts";
import { noteOn } from "./updates.ts";

type Json = Readonly<Record<string, unknown>>;

const INTERRUPTED = 130;

/** Serves an editor on stdin and stdout by the Agent Client Protocol, version 1, until it goes; the exit code. */
export async function serveAcp(asked: Asked, world: World): Promise<number> {
  const server = new AcpServer(asked, world);
  try {
    return await new Promise<number>((resolve) => {
      readLines(world.stdin, { onLine: (line) => server.take(line), onEnd: () => resolve(0) });
      world.stdout.on("error", () => resolve(0));
      world.onSignal(() => resolve(INTERRUPTED));
    });
  } finally {
    server.close();
    world.stdin.destroy();
  }
}

/** The sessions of one editor. */
class AcpServer {
  readonly #asked: Asked;
  readonly #world: World;
  readonly #rpc: JsonRpc;
  readonly #sessions = new Map<string, AcpSession>();

  constructor(asked: Asked, world: World) {
    this.#asked = asked;
    this.#world = world;
    this.#rpc = new JsonRpc((message) => void world.stdout.write(`${JSON.stringify(message)}\n`), {
      requests: {
        initialize: async () => this.#initialize(),
        "session/new": async (params) => this.#open(params, randomUUID()),
        "session/load": async (params) => this.#resume(params, { isReplayed: true }),
        "session/resume": async (params) => this.#resume(params, { isReplayed: false }),
        "session/close": async (params) => this.#close(params),
        "session/set_mode": async (params) => this.#setMode(params),
        "session/prompt": async (params) => ({
          stopReason: await this.#session(params).prompt(contentOf(params["prompt"])),
        }),
      },
      notifications: { "session/cancel": ({ sessionId }) => this.#sessions.get(`${sessionId}`)?.cancel() },
    });
  }

  take(line: string): void {
    this.#rpc.take(line);
  }

  close(): void {
    this.#rpc.close();
    for (const session of this.#sessions.values()) session.close();
  }

  #initialize(): InitializeResponse {
    return {
      protocolVersion: 1,
      agentInfo: { name: "workcell-agent", title: "Workcell agent", version: this.#world.version },
      agentCapabilities: {
        loadSession: true,
        promptCapabilities: { image: true, audio: false, embeddedContext: true },
        mcpCapabilities: { http: false, sse: false },
        sessionCapabilities: { close: {}, resume: {} },
      },
      authMethods: [],
    };
  }

  #open(params: Json, id: string, isResumed = false): NewSessionResponse {
    const cwd = folderOf(params["cwd"]);
    const servers = Array.isArray(params["mcpServers"]) ? params["mcpServers"].length : 0;
    if (servers > 0)
      noteOn(this.#world.stderr)(`${servers} MCP servers are named, and this agent uses none of them`);
    const { asked: flags, world, rpc } = { asked: this.#asked, world: this.#world, rpc: this.#rpc };
    const session = new AcpSession({ id, cwd, asked: flags, world, rpc, isResumed });
    this.#sessions.set(id, session);
    return { sessionId: id, modes: modesOf(session) };
  }

  #resume(params: Json, { isReplayed }: { readonly isReplayed: boolean }): object {
    const id = `${params["sessionId"]}`;
    if (this.#sessions.has(id)) throw new RpcFault("params", `The session "${id}" is open already.`);
    if (findSession(transcriptFolder(this.#world.env), id) === undefined)
      throw new RpcFault("missing", `No conversation is kept under the session id "${id}".`);
    const { modes } = this.#open(params, id, true);
    if (isReplayed) this.#sessions.get(id)?.replay();
    return { modes };
  }

  #close(params: Json): object {
    this.#session(params).close();
    this.#sessions.delete(`${params["sessionId"]}`);
    return {};
  }

  #setMode(params: Json): object {
    const mode = permissionModes.find((name) => name === params["modeId"]);
    if (mode === undefined)
      throw new RpcFault(
        "params",
        `The mode is "${params["modeId"]}"; it must be ${permissionModes.join(", ")}.`,
      );
    this.#session(params).mode = mode;
    return {};
  }

  #session({ sessionId }: Json): AcpSession {
    const session = this.#sessions.get(`${sessionId}`);
    if (session === undefined) throw new RpcFault("missing", `There is no session "${sessionId}".`);
    return session;
  }
}

const modeNames = {
  default: "Ask",
  acceptEdits: "Accept edits",
  bypassPermissions: "Allow everything",
  plan: "Plan: change nothing",
  dontAsk: "Refuse what no rule allows",
} as const;

function modesOf({ mode }: AcpSession): SessionModeState {
  const availableModes = permissionModes.map((id) => ({ id, name: modeNames[id] }));
  return { currentModeId: mode, availableModes };
}

/** The folder that an editor works in, as the cell knows it. */
function folderOf(named: unknown): string {
  if (typeof named !== "string" || !path.isAbsolute(named))
    throw new RpcFault("params", `The folder (cwd) is "${named}"; it must be an absolute path.`);
  if (statSync(named, { throwIfNoEntry: false })?.isDirectory() === true) return named;
  throw new RpcFault(
    "params",
    `The folder "${named}" is not there; in a cell it must be connected: workcell agent --acp -m ${named}`,
  );
}
