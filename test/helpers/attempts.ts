import { beforeAll, describe, expect, test } from "vitest";
import type { House, How, Person } from "./cell.ts";

/** Something that a cell must not be able to do. */
export interface Attempt {
  readonly name: string;
  /** A script of bash, in a shell of its own; it ends with 0 if, and only if, the attempt went through. */
  readonly act: string;
  /** Why it may fail without the cell too, on some machines: then it proves nothing there, and says so. */
  readonly maybeVacuous?: string;
  /** The control goes through for root only. */
  readonly rootOnly?: true;
}

export type Result = "went through" | "refused" | "could not be tried";

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** One script for all, since a cell for each would take its time. The script's own stdin is descriptor 3. */
export function attemptScript(attempts: readonly Attempt[]): string {
  const each = attempts.map(
    // A terminal that was typed into echoes: each result begins a line of its own.
    ({ name, act }) => `(\n${act}\n) </dev/null >/dev/null 2>&1; printf '\\n%s %s\\n' $? ${quoted(name)}`,
  );
  return ["exec 3<&0", ...each].join("\n");
}

/** A program that is missing is no refusal. */
function resultOf(code: number): Result {
  if (code === 0) return "went through";
  return code === 126 || code === 127 ? "could not be tried" : "refused";
}

/** Reads what the script printed. */
export function readResults(output: string): Readonly<Record<string, Result>> {
  const lines = [...output.matchAll(/^(\d+) (.+?)\r?$/gm)];
  return Object.fromEntries(lines.map(([, code, name]) => [name, resultOf(Number(code))]));
}

interface Both {
  readonly attempts: readonly Attempt[];
  /** Flags of `workcell run`. */
  readonly flags?: readonly string[];
  readonly how?: How;
}

/** Makes all attempts in one cell of somebody's, and without a cell. */
async function tryBoth(house: House, person: Person, { attempts, flags = [], how = {} }: Both) {
  const command = ["bash", "-c", attemptScript(attempts)];
  const inside = await house.inside(person, flags, command, how);
  const outside = await house.outside(person, command, how);
  // What was refused is told; anything else is a failure of the cell's.
  const told = inside.stderr
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("workcell: refused "));
  if (told.length > 0 || inside.status !== 0) throw new Error(`The cell failed: ${inside.stderr}`);
  return { inside: readResults(inside.stdout), outside: readResults(outside.stdout) };
}

interface Trial {
  readonly title: string;
  readonly people: readonly Person[];
  readonly house: House;
  readonly names: readonly string[];
  /** Asked once the house stands. */
  prepare(person: Person): Promise<Both> | Both;
}

/** A test for each attempt and person: refused in the cell, and gone through without it. */
export function describeAttempts({ title, people, house, names, prepare }: Trial): void {
  describe.each(people)(`${title}, as $name`, (person) => {
    let attempts: readonly Attempt[] = [];
    let results: Awaited<ReturnType<typeof tryBoth>>;
    beforeAll(async () => {
      const both = await prepare(person);
      attempts = both.attempts;
      results = await tryBoth(house, person, both);
    });

    test("every attempt is listed", () => expect(attempts.map(({ name }) => name)).toEqual(names));

    test.for(names)("%s: refused in a cell, control: goes through without one", (name, context) => {
      const { maybeVacuous, rootOnly } = attempts.find((one) => one.name === name) ?? {};
      expect(results.inside[name]).toBe("refused");
      const why = rootOnly && !person.isRoot ? "only root can do this without a cell" : maybeVacuous;
      if (results.outside[name] !== "went through" && why !== undefined) context.skip(`vacuous here: ${why}`);
      expect(results.outside[name]).toBe("went through");
    });
  });
}
