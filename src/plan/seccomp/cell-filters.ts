import type { Filter, FilterText, HostFacts, TunnelName } from "../../model/index.ts";
import { compiledFilters } from "./compiled.gen.ts";

/** What a cell's filters depend on. */
export interface FilterChoice {
  readonly arch: HostFacts["arch"];
  readonly tunnel: TunnelName;
  readonly refusesUnixSockets?: boolean;
}

/** PIDs that are Workcell's own: bwrap and cellinit; or bwrap, the shell and its forwarders. */
const helpers = { direct: [1, 2], socat: [1, 2, 3, 4] } as const;

/** How the filters of a cell are built: refusals go to cellhost, which holds the second filter's listener. */
export const filterOptions = (tunnel: TunnelName) =>
  ({ refuse: "notify", helpers: helpers[tunnel] }) as const;

/** The two filters of a cell. They were compiled when Workcell was written: no start waits for that. */
export function cellFilters({ arch, tunnel }: FilterChoice): readonly Filter[] {
  return compiledFilters[`${arch} ${tunnel}`].map(({ name, program }) => ({
    name,
    program: new Uint8Array(Buffer.from(program, "base64")),
  }));
}

/** Filters that hardly any cell has, compiled for this one. */
export async function compileFilters(choice: FilterChoice): Promise<readonly Filter[]> {
  return (await build(choice)).map(({ name, program }) => ({ name, program }));
}

/** The rules that a cell's filters were compiled from. */
export async function describeFilters(choice: FilterChoice): Promise<readonly FilterText[]> {
  return (await build(choice)).map(({ name, program, text }) => ({
    name,
    instructions: program.length / 8,
    lines: text,
  }));
}

async function build({ arch, tunnel, refusesUnixSockets = false }: FilterChoice) {
  const { buildFilters } = await import("./index.ts");
  return buildFilters(arch, { ...filterOptions(tunnel), refusesUnixSockets });
}

/** A system call's name, for a person; `call 999` for one that has none. */
export async function nameOfCall(arch: HostFacts["arch"], number: number): Promise<string> {
  const names = await import("./name-of-call.ts");
  return names.nameOfCall(arch, number);
}
