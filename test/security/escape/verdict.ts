import { readFileSync, statSync } from "node:fs";
import os from "node:os";
import type { EscapeAttempt } from "./attempt.ts";
import type { Stage } from "./stage.ts";

/** What became of an attempt in one place. */
export type Verdict =
  | { readonly is: "reached" }
  /** `by` is an errno, a signal, `own` (it reached something of the sandbox's own) or `ended` (with its sandbox). */
  | { readonly is: "refused"; readonly by: string }
  | { readonly is: "not run"; readonly why: string };

/** What a sandbox printed, on stdout and stderr. */
export interface Said {
  readonly output: string;
  readonly errors: string;
}

/** A line of escape-driver.c. */
interface Line {
  readonly id: string;
  readonly code?: number;
  readonly signal?: number;
  readonly said: string;
}

/** Of two names for a number, the kernel's. */
const errnoNames = new Map(
  Object.entries(os.constants.errno)
    .filter(([name]) => name !== "EWOULDBLOCK" && name !== "ENOTSUP")
    .map(([name, number]) => [number, name]),
);
const signalNames = new Map(Object.entries(os.constants.signals).map(([name, number]) => [number, name]));

/** Not in Node's list, which is of what every system has. */
const furtherErrnos: Readonly<Record<number, string>> = {
  15: "ENOTBLK",
  126: "ENOKEY",
  94: "ESOCKTNOSUPPORT",
  96: "EPFNOSUPPORT",
};

/** What tools of the shell say for an errno. */
const spoken: readonly (readonly [text: string, errno: string])[] = [
  ["Permission denied", "EACCES"],
  ["Operation not permitted", "EPERM"],
  ["Read-only file system", "EROFS"],
  ["No such device", "ENODEV"],
  ["No such file", "ENOENT"],
  ["nonexistent", "ENOENT"],
];

/** The lines that the attempts left in what a sandbox printed. */
function readLines(output: string): ReadonlyMap<string, Line> {
  const found = [...output.matchAll(/\{"id":"[^"]+","(?:code|signal)":\d+,"said":"[0-9a-f]*"\}/g)];
  return new Map(found.map(([text]) => JSON.parse(text) as Line).map((line) => [line.id, line]));
}

const hasBegun = (output: string, { id }: EscapeAttempt) => output.includes(`{"begun":"${id}"}`);

/** A path on the host that an attempt names. */
const hostPath = ({ id, canary = "$OUT/$ID" }: EscapeAttempt, { given }: Stage) =>
  canary.replace(/\$([A-Z_]+)/g, (_, name: string) => (name === "ID" ? id : (given[name] ?? "")));

function hasMark(file: string): boolean {
  try {
    return (
      readFileSync(file, "utf8").includes("touched\n") && !readFileSync(file, "utf8").includes("untouched\n")
    );
  } catch {
    // There is nothing, which is how it should be.
    return false;
  }
}

function hasSetId(file: string): boolean {
  try {
    return (statSync(file).mode & 0o6000) !== 0;
  } catch {
    return false;
  }
}

function refusalOf(attempt: EscapeAttempt, line: Line | undefined, said: string): string {
  if (line === undefined) return "ended";
  if (line.signal !== undefined) return signalNames.get(line.signal) ?? `signal ${line.signal}`;
  const code = line.code ?? 0;
  if (code === 0) return "own";
  const fromText = "sh" in attempt ? spoken.find(([text]) => said.includes(text))?.[1] : undefined;
  return fromText ?? errnoNames.get(code) ?? furtherErrnos[code] ?? `errno ${code}`;
}

function wentThrough(attempt: EscapeAttempt, stage: Stage, by: string, said: string): boolean {
  switch (attempt.proof) {
    case "call":
      return by === "own";
    case "secret":
      return said.includes(stage.secret);
    case "canary":
      return hasMark(hostPath(attempt, stage));
    case "set-id":
      return hasSetId(hostPath(attempt, stage));
    case "looked":
      return by === "own" || (attempt.looked ?? []).includes(by);
  }
}

/** Judges attempts by what they printed and by what the host looks like afterwards. */
export function judge(
  attempts: readonly EscapeAttempt[],
  stage: Stage,
  { output, errors }: Said,
): ReadonlyMap<string, Verdict> {
  const lines = readLines(output);
  return new Map(
    attempts.map((attempt): [string, Verdict] => {
      const line = lines.get(attempt.id);
      const said = Buffer.from(line?.said ?? "", "hex").toString();
      const by = refusalOf(attempt, line, said);
      if (wentThrough(attempt, stage, by, said)) return [attempt.id, { is: "reached" }];
      if (line === undefined && (attempt.alone === undefined || !hasBegun(output, attempt)))
        return [
          attempt.id,
          {
            is: "not run",
            why: `the sandbox had ended before: ${(errors.trim() || output.trim()).slice(-300)}`,
          },
        ];
      return [attempt.id, { is: "refused", by }];
    }),
  );
}
