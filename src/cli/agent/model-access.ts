import { type AgentDriver, type Endpoint, startScriptedModel } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import type { CommandContext } from "../command.ts";

/** How an agent reaches its model, for as long as it works. */
export interface ModelAccess {
  readonly endpoint: Endpoint;
  /** What the gate lets this cell through to, besides what the person allows. */
  readonly allowHosts: readonly string[];
  close(): Promise<void>;
}

/** What stands in the cell for a credential. */
const PLACEHOLDER = "workcell-placeholder";

/** `--model scripted`. */
export const SCRIPTED = "scripted";

/** A pause between the pieces of an answer, so that a person can read along. */
const READING_MS = 12;

/** The scripted model, in this process, on the host's loopback. */
async function scriptedAccess(driver: AgentDriver, { stdout }: CommandContext): Promise<ModelAccess> {
  if (driver.api !== "messages") {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot start ${driver.title} with the scripted model (flag --model): it asks its model by another interface than the Messages API, and the script speaks that one alone`,
      remedy: "Try the built-in agent: workcell agent --model scripted",
    });
  }
  const isWatched = (stdout as { readonly isTTY?: boolean }).isTTY === true;
  const model = await startScriptedModel({ delayMs: isWatched ? READING_MS : 0 });
  const variables = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: PLACEHOLDER };
  return {
    endpoint: { url: model.url, variables },
    allowHosts: [`127.0.0.1:${model.port}`],
    close: () => model.close(),
  };
}

/** Opens the way to the model that was asked for. Throws when there is no credential for it. */
export async function openModelAccess(
  driver: AgentDriver,
  model: string | undefined,
  context: CommandContext,
): Promise<ModelAccess> {
  if (model === SCRIPTED) return scriptedAccess(driver, context);
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot start ${driver.title}: no credential for its model is found`,
    remedy: "Try it without one: workcell agent --model scripted",
  });
}
