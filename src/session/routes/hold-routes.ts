import { realpathSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { isInside } from "../../lib/is-inside.ts";
import { monotonicMs } from "../../lib/monotonic.ts";
import type { CredentialReader, Plan, Policy, RouteSetting, Settings, Sourced } from "../../model/index.ts";
import type { RunRequest } from "../request.ts";
import { makeReader, type ReaderPlace } from "./make-reader.ts";

/** The routes of a run: who gives their credentials, and that none of them goes in by another way. */
export interface HeldRoutes {
  readonly credentials: ReadonlyMap<string, CredentialReader>;
  /** Throws WC_CREDENTIAL when the plan would show a credential to the cell. */
  keepOut(plan: Plan, policy: Policy): void;
  /** Ends what is still being asked. */
  close(): void;
}

type Request = Pick<RunRequest, "env" | "cwd" | "home" | "routes">;

/** The settings with the routes of the request, where they have none of that name, and what holds all their credentials. */
export function holdRoutes(
  settings: Settings,
  request: Request,
): { readonly settings: Settings; readonly held: HeldRoutes } {
  const { routes: own = [] } = settings;
  const added = (request.routes ?? []).filter(
    ({ setting }) => !own.some(({ value }) => value.name === setting.name),
  );
  const end = new AbortController();
  const place = placeOf(settings, request, end.signal);
  const credentials = new Map([
    ...own.flatMap((route) => readerOf(route, place)),
    ...added.flatMap((route) =>
      route.credential === undefined
        ? readerOf({ value: route.setting, origin: route.origin }, place)
        : [[route.setting.name, route.credential] as const],
    ),
  ]);
  const values = [...credentials.values()].flatMap((reader) => reader.check?.() ?? []);
  const routes = [...own, ...added.map(({ setting, origin }) => ({ value: setting, origin }))];
  return {
    settings: { ...settings, routes },
    held: {
      credentials,
      keepOut: (plan, policy) => {
        refuseValues(plan, values);
        refuseFiles(routes, plan, policy);
      },
      close: () => end.abort(),
    },
  };
}

function placeOf(settings: Settings, { env, cwd, home }: Request, signal: AbortSignal): ReaderPlace {
  const connected = settings.mounts.map(({ value }) => path.resolve(cwd, value.source));
  return {
    env,
    // Where the person works may have been connected to an earlier cell.
    writable: cwd === home ? connected : [cwd, ...connected],
    signal,
    now: monotonicMs,
  };
}

function readerOf(
  { value, origin }: Sourced<RouteSetting>,
  place: ReaderPlace,
): readonly (readonly [string, CredentialReader])[] {
  const source = value.credential?.from;
  return source === undefined ? [] : [[value.name, makeReader(source, { route: value.name, origin }, place)]];
}

/** What a local server takes for a key may be part of any word. */
const isLong = (value: string) => value.length >= 8;

/** SECURITY(P15): what the person passes in by hand would be in the cell all the same. */
function refuseValues(plan: Plan, values: readonly string[]): void {
  const holds = (text: string) =>
    values.some((value) => text === value || (isLong(value) && text.includes(value)));
  const variable = plan.environment.find(({ value }) => holds(value));
  if (variable !== undefined) {
    throw goesIn(
      `the variable ${variable.name} (${variable.origin}) holds it`,
      `Leave ${variable.name} out; the cell needs no more than the placeholder`,
    );
  }
  if (plan.command.some(holds)) throw goesIn("the command's words hold it", "Leave it out of the command");
}

/** SECURITY(P15): a file that the cell sees is one that it can read, where it runs as the file's owner. */
function refuseFiles(routes: readonly Sourced<RouteSetting>[], plan: Plan, policy: Policy): void {
  const seen = [
    ...policy.folders.map(({ source }) => source),
    ...[...plan.mounts, ...(plan.root?.mounts ?? [])].flatMap(({ source }) => source ?? []),
  ];
  for (const { value } of routes) {
    const source = value.credential?.from;
    if (source === undefined || !("file" in source)) continue;
    const file = realpathSync(source.file);
    const folder = seen.find((outer) => isInside(file, outer));
    if (folder === undefined) continue;
    throw goesIn(
      `its file ${JSON.stringify(file)} lies in ${JSON.stringify(folder)}, which the cell sees`,
      "Move the file to a folder that is not connected, such as ~/.config/workcell",
    );
  }
}

function goesIn(how: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_CREDENTIAL", {
    message: `Cannot start a cell with a route whose credential goes in: ${how}, and it is to stay outside`,
    remedy,
  });
}
