import type {
  ContentBlockParam,
  Message,
  RawMessageStreamEvent,
  ToolResultBlockParam,
} from "../model/messages.ts";
import type { FailureKind } from "../model/model-failure.ts";
import type { ModelUse } from "./ledger.ts";
import type { PermissionMode } from "./permissions.ts";

/** A call that was not made. */
export interface Denial {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly why: string;
}

/** How a turn ended, with what it took; a sub-agent's share is in the numbers. */
export interface TurnEnd {
  readonly status: "done" | "interrupted" | "max-turns" | "max-budget" | "failed";
  /** The last text of the model. */
  readonly text: string;
  readonly turns: number;
  readonly ms: number;
  readonly modelMs: number;
  readonly models: Readonly<Record<string, ModelUse>>;
  readonly denials: readonly Denial[];
  readonly failure?: { readonly kind: FailureKind; readonly message: string; readonly remedy: string };
}

/** Which agent it is about: the id of the Task call that started a sub-agent, `null` for the agent itself. */
interface About {
  readonly parent: string | null;
}

export type AgentEvent =
  | {
      readonly type: "started";
      readonly session: string;
      readonly model: string;
      readonly cwd: string;
      readonly tools: readonly string[];
      readonly permissionMode: PermissionMode;
    }
  | (About & { readonly type: "stream"; readonly event: RawMessageStreamEvent })
  | (About & { readonly type: "message"; readonly message: Message })
  | (About & { readonly type: "tool"; readonly id: string; readonly name: string; readonly input: unknown })
  | (About & {
      readonly type: "tool-ended";
      readonly id: string;
      readonly name: string;
      readonly ms: number;
      readonly result: ToolResultBlockParam;
    })
  | (About & { readonly type: "said"; readonly content: readonly ContentBlockParam[] })
  | (About & {
      readonly type: "retry";
      readonly attempt: number;
      readonly of: number;
      readonly waitMs: number;
      readonly why: string;
    })
  | (About & { readonly type: "compacted"; readonly tokensBefore: number; readonly why: "full" | "refused" })
  | { readonly type: "note"; readonly text: string }
  | ({ readonly type: "ended" } & TurnEnd);
