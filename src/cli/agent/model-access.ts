import { type AgentDriver, type Endpoint, scriptedRoute, startScriptedModel } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { MODEL_ROUTE, type RouteSetting } from "../../model/index.ts";
import { modelEnvironment, type RunRoute, readModelCredential } from "../../session/index.ts";
import type { CommandContext } from "../command.ts";

/** How an agent reaches its model, for as long as it works: a route of the gate, which holds the credential. */
export interface ModelAccess {
  readonly endpoint: Endpoint;
  readonly route: RunRoute;
  close(): Promise<void>;
}

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
  return { ...scriptedRoute(model), close: () => model.close() };
}

/** Endpoints of other vendors: where they are, and by which variables their own tools know key and place. */
const vendors = {
  responses: {
    name: "openai.workcell",
    upstream: "https://api.openai.com",
    place: "OPENAI_BASE_URL",
    credential: { header: "authorization", scheme: "Bearer", from: { environment: "OPENAI_API_KEY" } },
  },
  gemini: {
    name: "gemini.workcell",
    upstream: "https://generativelanguage.googleapis.com",
    place: "GOOGLE_GEMINI_BASE_URL",
    credential: { header: "x-goog-api-key", from: { environment: "GEMINI_API_KEY" } },
    allow: ["POST /v1beta", "GET /v1beta"],
  },
} as const;

function vendorAccess(api: keyof typeof vendors, env: CommandContext["env"]): ModelAccess {
  const { place, upstream: usual, ...rest } = vendors[api];
  const named = env[place] || undefined;
  // Tools are told of the version's folder too; in the cell it is part of each request.
  const setting: RouteSetting = { ...rest, upstream: named?.replace(/\/v1\/?$/, "") ?? usual };
  const where = named === undefined ? "the usual endpoint" : `environment ${place}`;
  return {
    endpoint: { url: `http://${setting.name}`, variables: {} },
    route: { setting, origin: `${where}, environment ${rest.credential.from.environment}` },
    close: async () => {},
  };
}

/** Opens the way to the model that was asked for. That there is no credential for it is said when the cell is started. */
export async function openModelAccess(
  driver: AgentDriver,
  model: string | undefined,
  context: CommandContext,
): Promise<ModelAccess> {
  if (model === SCRIPTED) return scriptedAccess(driver, context);
  if (driver.api !== "messages") return vendorAccess(driver.api, context.env);
  const { kind, route } = readModelCredential(context.env, context.home);
  return {
    endpoint: { url: `http://${MODEL_ROUTE}`, variables: modelEnvironment(kind) },
    route,
    close: async () => {},
  };
}

/** An error about a credential, with the way that needs none. */
export function withScriptedWay(error: unknown): unknown {
  if (!(error instanceof WorkcellError) || error.code !== "WC_CREDENTIAL") return error;
  return new WorkcellError(error.code, {
    message: error.message,
    remedy: `${error.remedy}; without any account: workcell agent --model scripted`,
    details: error.details,
    cause: error,
  });
}
