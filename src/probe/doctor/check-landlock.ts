import type { Check, Examination, Finding } from "./examination.ts";

/** The first version that fences signals and abstract sockets. */
const scopes = 6;

/** Judges the version that the kernel answered, or the name of its error. */
export function judgeLandlock(answer: string): Finding {
  const version = Number(answer);
  const remedy = "Run a kernel of 6.12 or newer, with landlock among the modules of its lsm= option";
  if (!Number.isInteger(version) || version < 1)
    return { status: "weaker", found: `Landlock: none (${answer || "no answer"})`, remedy };
  if (version < scopes)
    return {
      status: "weaker",
      found: `Landlock: version ${version}, without scopes for signals and sockets`,
      remedy,
    };
  return { status: "ok", found: `Landlock: version ${version}` };
}

async function examine(examination: Examination): Promise<Finding> {
  const result = await examination.run(examination.cellhost, ["probe-landlock"]);
  if (result.failure !== undefined)
    return {
      status: "weaker",
      found: `Landlock: not tried, for cellhost cannot be started (${result.failure})`,
      remedy: "Build the native programs: npm run build",
    };
  return judgeLandlock(result.stdout.trim());
}

/** Landlock: the kernel is asked for a rule set's version. */
export const checkLandlock: Check = {
  id: "landlock",
  title: "Landlock",
  needed: "Landlock 6 (kernel 6.12)",
  without:
    "Mounts and namespaces alone fence a cell's files and signals; there is no second layer under them",
  examine,
};
