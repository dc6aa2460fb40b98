import type { SessionUpdate, StopReason } from "@agentclientprotocol/sdk";
import type { Asked } from "../flags.ts";
import type { Agent } from "../loop/agent.ts";
import type { Conversation } from "../loop/conversation.ts";
import type { AgentEvent, TurnEnd } from "../loop/events.ts";
import type { Permit } from "../loop/make-calls.ts";
import type { PermissionMode } from "../loop/permissions.ts";
import { makeAgent } from "../make-agent.ts";
import type { ContentBlockParam } from "../model/messages.ts";
import { Permissions } from "../permit.ts";
import { Workplace } from "../tools/workplace.ts";
import type { World } from "../world.ts";
import { askEditor } from "./ask-editor.ts";
import { type JsonRpc, RpcFault } from "./json-rpc.ts";
import { acpView, noteOn, replay } from "./updates.ts";

/** A prompt that waits for its turn's end. */
interface Prompt {
  readonly content: readonly ContentBlockParam[];
  readonly resolve: (reason: StopReason) => void;
  readonly reject: (error: unknown) => void;
}

export interface SessionParts {
  readonly id: string;
  readonly cwd: string;
  readonly asked: Asked;
  readonly world: World;
  readonly rpc: JsonRpc;
  /** It goes on with the conversation that is kept under its id. */
  readonly isResumed: boolean;
}

/** One conversation of an editor with the agent. */
export class AcpSession {
  readonly #parts: SessionParts;
  readonly #place: Workplace;
  readonly #permissions: Permissions;
  readonly #agent: Agent;
  readonly #conversation: Conversation;
  readonly #view: (event: AgentEvent) => void;
  /** Said, and not yet heard. */
  readonly #said: Prompt[] = [];
  /** Heard, and answered when the turn ends. */
  readonly #heard: Prompt[] = [];
  #interrupt: AbortController | undefined;
  #isRefused = false;

  constructor(parts: SessionParts) {
    const { id, cwd, asked, world, rpc } = parts;
    this.#parts = parts;
    this.#place = new Workplace(cwd, world.env);
    this.#permissions = new Permissions(
      { mode: asked.mode, allow: asked.list("--allowed-tools"), deny: asked.list("--disallowed-tools") },
      { person: (call, signal) => askEditor(call, { rpc, session: id, signal }) },
    );
    this.#view = acpView({
      send: (update) => this.#send(update),
      note: noteOn(world.stderr),
      cwd: () => this.#place.cwd,
      contextTokens: asked.contextTokens,
    });
    const { agent, conversation } = makeAgent({
      ...{ asked, world: { env: world.env, cwd }, place: this.#place, session: id },
      permit: this.#permit,
      heard: () => this.#hear(),
      from: parts.isResumed ? id : undefined,
      emit: (event) => this.#take(event),
    });
    this.#agent = agent;
    this.#conversation = conversation;
  }

  get mode(): PermissionMode {
    return this.#permissions.mode;
  }

  set mode(mode: PermissionMode) {
    this.#permissions.mode = mode;
  }

  /** Tells the editor what was said before. */
  replay(): void {
    for (const update of replay(this.#conversation.messages, this.#parts.cwd)) this.#send(update);
  }

  /** A turn; into a running one what is said meanwhile. Resolves when the turn that heard it has ended. */
  prompt(content: readonly ContentBlockParam[]): Promise<StopReason> {
    return new Promise((resolve, reject) => {
      this.#said.push({ content, resolve, reject });
      if (this.#interrupt === undefined) void this.#run();
    });
  }

  /** Stops the running turn, and what waits behind it. */
  cancel(): void {
    for (const { resolve } of this.#said.splice(0)) resolve("cancelled");
    this.#interrupt?.abort();
  }

  close(): void {
    this.cancel();
    this.#place.close();
  }

  async #run(): Promise<void> {
    while (this.#said.length > 0) {
      const interrupt = new AbortController();
      this.#interrupt = interrupt;
      this.#isRefused = false;
      try {
        const end = await this.#agent.turn(this.#hear(), interrupt);
        this.#view({ type: "ended", ...end });
        for (const { resolve, reject } of this.#heard.splice(0)) {
          if (end.status === "failed") reject(faultOf(end));
          else resolve(this.#reasonOf(end));
        }
      } catch (error) {
        for (const { reject } of this.#heard.splice(0)) reject(error);
      }
      this.#interrupt = undefined;
    }
  }

  #hear(): ContentBlockParam[] {
    const prompts = this.#said.splice(0);
    this.#heard.push(...prompts);
    return prompts.flatMap(({ content }) => content);
  }

  #take(event: AgentEvent): void {
    if (event.type === "message" && event.parent === null)
      this.#isRefused = event.message.stop_reason === "refusal";
    this.#view(event);
  }

  readonly #permit: Permit = async (call, signal) => {
    const permission = await this.#permissions.permit(call, signal);
    if (permission.may)
      this.#send({ sessionUpdate: "tool_call_update", toolCallId: call.id, status: "in_progress" });
    return permission;
  };

  #reasonOf({ status }: TurnEnd): StopReason {
    if (status === "interrupted") return "cancelled";
    if (status === "max-turns" || status === "max-budget") return "max_turn_requests";
    return this.#isRefused ? "refusal" : "end_turn";
  }

  #send(update: SessionUpdate): void {
    this.#parts.rpc.notify("session/update", { sessionId: this.#parts.id, update });
  }
}

function faultOf({ failure }: TurnEnd): RpcFault {
  const kind = failure?.kind === "unauthorised" ? "signIn" : "internal";
  return new RpcFault(kind, `${failure?.message} ${failure?.remedy}`);
}
