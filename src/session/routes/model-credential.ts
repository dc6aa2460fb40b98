import { lstatSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { configFolder } from "../../lib/xdg-folders.ts";
import {
  type CredentialField,
  type CredentialSource,
  MODEL_ROUTE,
  type Origin,
  PLACEHOLDER,
} from "../../model/index.ts";
import type { RunRoute } from "../request.ts";

/** What kind of credential a person has for the Messages API. */
export type ModelCredentialKind = "api-key" | "token" | "subscription" | "none";

/** The person's way to the Messages API. */
export interface ModelCredential {
  readonly kind: ModelCredentialKind;
  /** Where the credential is from; never the credential. */
  readonly origin: Origin;
  readonly route: RunRoute;
}

interface Found {
  readonly kind: Exclude<ModelCredentialKind, "none">;
  readonly origin: Origin;
  readonly from: CredentialSource;
}

const fields: Readonly<Record<Found["kind"], CredentialField>> = {
  "api-key": { header: "x-api-key" },
  token: { header: "authorization", scheme: "Bearer" },
  // The endpoint takes a subscription's token only from who says that it is one.
  subscription: { header: "authorization", scheme: "Bearer", also: { "anthropic-beta": "oauth-2025-04-20" } },
};

/** The variables that are looked at, the one that decides first. */
const variables: readonly (readonly [name: string, kind: Found["kind"]])[] = [
  ["ANTHROPIC_AUTH_TOKEN", "token"],
  ["ANTHROPIC_API_KEY", "api-key"],
  ["CLAUDE_CODE_OAUTH_TOKEN", "subscription"],
];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the person's model is and what it asks for: by the variables that its tools know, or an API key in
 * `$XDG_CONFIG_HOME/workcell/model.key`. Reads no value yet, and never throws.
 */
export function readModelCredential(env: Environment, home: string): ModelCredential {
  const file = path.join(configFolder(env, home), "model.key");
  const found = findCredential(env, file);
  const baseUrl = env["ANTHROPIC_BASE_URL"] || undefined;
  const place = { name: MODEL_ROUTE, upstream: baseUrl ?? "https://api.anthropic.com" };
  const where = baseUrl === undefined ? "the usual endpoint" : "environment ANTHROPIC_BASE_URL";
  if (found !== undefined) {
    const setting = { ...place, credential: { ...fields[found.kind], from: found.from } };
    const route = { setting, origin: `${where}, ${found.origin}` };
    return { kind: found.kind, origin: found.origin, route };
  }
  const origin = `${where}, no credential`;
  const missing = () => {
    throw new WorkcellError("WC_CREDENTIAL", {
      message: `Cannot ask a model: no credential for it was found (${where}), and one is needed`,
      remedy: `Set ANTHROPIC_API_KEY, put a key into ${JSON.stringify(file)} (mode 0600), or set CLAUDE_CODE_OAUTH_TOKEN to what "claude setup-token" prints`,
      details: { route: MODEL_ROUTE, origin },
    });
  };
  const setting = { ...place, credential: fields["api-key"] };
  const route = { setting, origin, credential: { check: missing, read: async () => missing() } };
  return { kind: "none", origin, route };
}

function findCredential(env: Environment, file: string): Found | undefined {
  const variable = variables.find(([name]) => env[name] !== undefined && env[name] !== "");
  if (variable !== undefined) {
    const [environment, kind] = variable;
    return { kind, origin: `environment ${environment}`, from: { environment } };
  }
  // Whatever is there is meant to be it: what is wrong with it is said when it is read.
  return isThere(file) ? { kind: "api-key", origin: `the file ${file}`, from: { file } } : undefined;
}

function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A folder that may not be entered holds no key for this person.
    return false;
  }
}

/** The variables by which an agent in the cell finds its model: the route, and one placeholder of the kind. */
export function modelEnvironment(kind: ModelCredentialKind): Readonly<Record<string, string>> {
  const [name] = variables.find(([, of]) => of === kind) ?? ["ANTHROPIC_API_KEY"];
  return { ANTHROPIC_BASE_URL: `http://${MODEL_ROUTE}`, [name]: PLACEHOLDER };
}
