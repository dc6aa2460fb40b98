import { PLACEHOLDER, type RouteSetting } from "../../model/index.ts";
import type { Endpoint } from "../drivers/driver.ts";
import type { ScriptedModel } from "./serve.ts";

/** Not the name of the person's own model: what their settings say of that one is never meant. */
const name = "scripted.workcell";

/** How a cell reaches a scripted model on the host: by a route of its own, which needs no credential. */
export function scriptedRoute({ url }: Pick<ScriptedModel, "url">): {
  readonly route: { readonly setting: RouteSetting; readonly origin: string };
  readonly endpoint: Endpoint;
} {
  const inCell = `http://${name}`;
  return {
    route: { setting: { name, upstream: url }, origin: "the scripted model" },
    endpoint: {
      url: inCell,
      variables: { ANTHROPIC_BASE_URL: inCell, ANTHROPIC_API_KEY: PLACEHOLDER },
    },
  };
}
