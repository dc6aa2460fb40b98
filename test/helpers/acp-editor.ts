import { type ChildProcess, spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import {
  type ClientContext,
  client,
  methods,
  ndJsonStream,
  type RequestPermissionRequest,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { onTestFinished } from "vitest";
import { until } from "./run-workcell.ts";

/** An editor that drives an agent by ACP, with the protocol's own library and nothing of Workcell's. */
export interface Editor {
  readonly agent: ClientContext;
  readonly child: ChildProcess;
  readonly updates: readonly SessionUpdate[];
  readonly questions: readonly RequestPermissionRequest[];
  /** What the agent said that is no message of the protocol's. */
  stderr(): string;
  /** Waits for an update of this kind. */
  seen<K extends SessionUpdate["sessionUpdate"]>(kind: K): Promise<SessionUpdate & { sessionUpdate: K }>;
  /** The agent's words so far. */
  text(): string;
  readonly ended: Promise<number | null>;
}

/** Starts an agent's program and joins its stdin and stdout. Questions get the option that `answer` picks; without one they stay open. */
export function startEditor(
  [program = "", ...words]: readonly string[],
  how: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly uid?: number | undefined;
    readonly answer?: (question: RequestPermissionRequest) => string;
  },
): Editor {
  const identity = how.uid === undefined ? {} : { uid: how.uid, gid: how.uid };
  const child = spawn(program, words, { cwd: how.cwd, env: how.env, ...identity, timeout: 50_000 });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [updates, questions]: [SessionUpdate[], RequestPermissionRequest[]] = [[], []];
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const stream = ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout));
  const { agent } = client({ name: "test" })
    .onNotification(methods.client.session.update, ({ params }) => void updates.push(params.update))
    .onRequest(methods.client.session.requestPermission, async ({ params, signal }) => {
      questions.push(params);
      if (how.answer !== undefined) return { outcome: { outcome: "selected", optionId: how.answer(params) } };
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return { outcome: { outcome: "cancelled" } };
    })
    .connect(stream);
  return {
    ...{ agent, child, updates, questions, stderr: () => stderr },
    async seen(kind) {
      const is = (update: SessionUpdate): update is SessionUpdate & { sessionUpdate: typeof kind } =>
        update.sessionUpdate === kind;
      await until(() => updates.some(is), 20_000);
      return updates.find(is) as SessionUpdate & { sessionUpdate: typeof kind };
    },
    text: () =>
      updates
        .map((update) =>
          update.sessionUpdate === "agent_message_chunk" && update.content.type === "text"
            ? update.content.text
            : "",
        )
        .join(""),
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
}
