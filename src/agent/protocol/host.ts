import type { Wanted } from "../loop/make-calls.ts";
import { type PermissionMode, permissionModes } from "../loop/permissions.ts";
import type { PromptWords } from "../make-agent.ts";
import type { ContentBlockParam } from "../model/messages.ts";
import { type Answer, type Askers, ruleFor } from "../permit.ts";
import { Control, isRecord } from "./control.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a host may do to the agent. */
export interface Reins {
  submit(content: readonly ContentBlockParam[]): void;
  interrupt(): void;
  setModel(model: string | undefined): void;
  setMode(mode: PermissionMode): void;
  setPrompt(words: PromptWords): void;
  note(text: string): void;
}

interface Hook {
  readonly matcher: string | undefined;
  readonly ids: readonly string[];
}

/** The host at the other end of stdin and stdout: what it says, and what it is asked. */
export class Host {
  readonly #control: Control;
  readonly #reins: Reins;
  #hooks: readonly Hook[] = [];
  readonly #session: { readonly id: string; readonly cwd: string };

  constructor(
    write: (message: object) => void,
    {
      reins,
      session,
    }: { readonly reins: Reins; readonly session: { readonly id: string; readonly cwd: string } },
  ) {
    this.#reins = reins;
    this.#session = session;
    this.#control = new Control(write, {
      initialize: (request) => this.#initialize(request),
      interrupt: () => {
        reins.interrupt();
        return {};
      },
      set_model: ({ model }) => {
        reins.setModel(typeof model === "string" && model !== "default" ? model : undefined);
        return {};
      },
      set_permission_mode: ({ mode }) => {
        reins.setMode(modeOf(mode));
        return { mode };
      },
      mcp_status: () => ({ mcpServers: [] }),
    });
  }

  /** One line from the host. */
  take(line: string): void {
    const message = parsed(line);
    if (message === undefined) {
      this.#reins.note(`A line on stdin is not a JSON object: ${line.slice(0, 200)}`);
      return;
    }
    if (this.#control.take(message)) return;
    const inner = message["type"] === "user" && isRecord(message["message"]) ? message["message"] : undefined;
    const content = inner === undefined ? undefined : contentOf(inner["content"]);
    if (content !== undefined) this.#reins.submit(content);
    else this.#reins.note(`A message of the type "${message["type"]}" on stdin is not understood`);
  }

  close(): void {
    this.#control.close();
  }

  #initialize(request: Json): Json {
    // A host that is given no answer of the form it asked for must know before it waits for one.
    if (isRecord(request["jsonSchema"]))
      throw new Error("Answers of a given JSON schema are not known here.");
    this.#reins.setPrompt(promptOf(request));
    for (const name of unusedOf(request)) this.#reins.note(`${name} of the host are taken and not used`);
    const { hooks } = request;
    const before = isRecord(hooks) && Array.isArray(hooks["PreToolUse"]) ? hooks["PreToolUse"] : [];
    this.#hooks = before.filter(isRecord).map(({ matcher, hookCallbackIds: ids }) => ({
      matcher: typeof matcher === "string" ? matcher : undefined,
      ids: Array.isArray(ids) ? ids.map(String) : [],
    }));
    return {
      commands: [],
      agents: subAgents,
      output_style: "default",
      available_output_styles: ["default"],
      models: [],
      account: {},
      pid: process.pid,
    };
  }

  /** Asks the host about calls: by its hooks always, by its permission tool where it has one. */
  askers({ person }: { readonly person: boolean }): Askers {
    const hook: Askers["hook"] = (call, signal) => this.#hook(call, signal);
    return person ? { hook, person: (call, signal) => this.#permission(call, signal) } : { hook };
  }

  async #permission(call: Wanted, signal: AbortSignal): Promise<Answer> {
    const name = call.tool.name;
    const rule = ruleFor(call);
    const request = {
      subtype: "can_use_tool",
      tool_name: name,
      input: call.input,
      permission_suggestions:
        rule === undefined
          ? []
          : [{ type: "addRules", rules: [rule], behavior: "allow", destination: "session" }],
      tool_use_id: call.id,
      ...(call.parent === null ? {} : { agent_id: call.parent }),
    };
    return permissionOf(await this.#ask(request, signal));
  }

  async #hook(call: Wanted, signal: AbortSignal): Promise<Answer | "ask" | undefined> {
    let said: Answer | "ask" | undefined;
    for (const { matcher, ids } of this.#hooks) {
      if (!matchesTool(matcher, call.tool.name)) continue;
      for (const callback_id of ids) {
        const input = {
          ...{ session_id: this.#session.id, cwd: call.cwd, transcript_path: "" },
          ...{ hook_event_name: "PreToolUse", tool_name: call.tool.name, tool_input: call.input },
          tool_use_id: call.id,
        };
        const request = { subtype: "hook_callback", callback_id, input, tool_use_id: call.id };
        const answer = hookAnswer(await this.#ask(request, signal));
        if (answer !== "ask" && answer?.may === false) return answer;
        said = said === "ask" ? said : (answer ?? said);
      }
    }
    return said;
  }

  /** A host that does not answer, or wrongly, has not allowed anything. */
  async #ask(request: Json, signal: AbortSignal): Promise<Json> {
    try {
      return await this.#control.ask(request, signal);
    } catch (error) {
      return {
        behavior: "deny",
        decision: "block",
        message: `The host was asked, and: ${error instanceof Error ? error.message : error}`,
      };
    }
  }
}

const subAgents = [
  { name: "general-purpose", description: "Works on a part of the task with all tools but Task" },
  { name: "Explore", description: "Finds out, and changes nothing" },
];

function promptOf({ systemPrompt, appendSystemPrompt }: Json): PromptWords {
  const lines = Array.isArray(systemPrompt) ? systemPrompt : [systemPrompt];
  const replaced = lines.filter((line) => typeof line === "string").join("\n\n");
  return {
    ...(replaced === "" ? {} : { replaced }),
    ...(typeof appendSystemPrompt === "string" ? { appended: appendSystemPrompt } : {}),
  };
}

/** What a host brings that has no effect here. */
function unusedOf({ hooks, agents, sdkMcpServers }: Json): string[] {
  const events = isRecord(hooks) ? Object.keys(hooks).filter((event) => event !== "PreToolUse") : [];
  return [
    ...(events.length > 0 ? [`hooks for ${events.join(", ")}`] : []),
    ...(isRecord(agents) && Object.keys(agents).length > 0 ? ["sub-agents"] : []),
    ...(Array.isArray(sdkMcpServers) && sdkMcpServers.length > 0 ? ["MCP servers"] : []),
  ];
}

function permissionOf(answer: Json): Answer {
  const why = typeof answer["message"] === "string" ? answer["message"] : "The person does not want it.";
  if (answer["behavior"] !== "allow") return { may: false, why, interrupt: answer["interrupt"] === true };
  const updates = Array.isArray(answer["updatedPermissions"])
    ? answer["updatedPermissions"].filter(isRecord)
    : [];
  const modes = updates.filter(({ type }) => type === "setMode").map(({ mode }) => mode);
  const mode = permissionModes.find((name) => name === modes.at(-1));
  return {
    may: true,
    ...(isRecord(answer["updatedInput"]) ? { input: answer["updatedInput"] } : {}),
    alwaysAllow: updates
      .filter(({ type, behavior }) => type === "addRules" && behavior === "allow")
      .flatMap(rulesOf),
    ...(mode === undefined ? {} : { mode }),
  };
}

function rulesOf({ rules }: Json): string[] {
  return (Array.isArray(rules) ? rules : [])
    .filter(isRecord)
    .map(({ toolName, ruleContent }) =>
      typeof ruleContent === "string" ? `${toolName}(${ruleContent})` : `${toolName}`,
    );
}

function hookAnswer(answer: Json): Answer | "ask" | undefined {
  const own = isRecord(answer["hookSpecificOutput"]) ? answer["hookSpecificOutput"] : {};
  const why = [
    own["permissionDecisionReason"],
    answer["reason"],
    answer["message"],
    answer["stopReason"],
  ].find((text) => typeof text === "string");
  const decision = own["permissionDecision"];
  if (decision === "deny" || answer["decision"] === "block" || answer["continue"] === false)
    return {
      may: false,
      why: `a hook of the host refuses it: ${why ?? "without a reason"}`,
      interrupt: answer["continue"] === false,
    };
  if (decision === "ask") return "ask";
  if (decision !== "allow") return undefined;
  return { may: true, ...(isRecord(own["updatedInput"]) ? { input: own["updatedInput"] } : {}) };
}

function matchesTool(matcher: string | undefined, name: string): boolean {
  if (matcher === undefined || matcher === "" || matcher === "*") return true;
  return matcher.split("|").some((each) => each.trim() === name);
}

function modeOf(mode: unknown): PermissionMode {
  const found = permissionModes.find((name) => name === mode);
  if (found === undefined)
    throw new Error(`The permission mode "${mode}" is unknown; there are: ${permissionModes.join(", ")}`);
  return found;
}

function contentOf(content: unknown): ContentBlockParam[] | undefined {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content) || content.length === 0 || !content.every(isRecord)) return undefined;
  return content as unknown as ContentBlockParam[];
}

function parsed(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
