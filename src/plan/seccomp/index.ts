import type { Filter } from "../../model/index.ts";
import { type Architecture, architectures } from "./architecture.ts";
import { compileRules } from "./compile.ts";
import { describeRules } from "./describe.ts";
import { kernelSurface } from "./kernel-surface.ts";
import { socketsAndModes } from "./sockets-and-modes.ts";

/** The two filters of a cell, in the order in which they are installed. */
export function buildFilters(arch: Architecture["name"]): readonly Filter[] {
  const architecture = architectures[arch];
  return [kernelSurface, socketsAndModes].map((rules) => ({
    name: rules.name,
    program: compileRules(rules, architecture),
    text: describeRules(rules, architecture),
  }));
}
