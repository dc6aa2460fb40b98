import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Alone, EscapeAttempt } from "./attempt.ts";
import { makeStage, type Stage, type StageOptions } from "./stage.ts";
import { judge, type Said, type Verdict } from "./verdict.ts";

/** Somewhere that attempts are made: in a sandbox, or in none. */
export interface Place {
  /** Words before a command that run it there. */
  words(stage: Stage, alone: Alone | undefined): readonly string[];
  /** Set beside what every place has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Without any sandbox: the control. A shell stands where the launcher of a sandbox would. */
export const noSandbox: Place = { words: () => ["sh", "-c", '"$@"; exit', "sh"] };

const LIMIT_MS = 60_000;
const LEFT_BEHIND_MS = 500;

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

function runToEnd(
  [program = "", ...words]: readonly string[],
  stage: Stage,
  env: Readonly<Record<string, string>>,
  killed: boolean,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: stage.work,
      env: { ...stage.env, LANG: "C.UTF-8", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
      ...(stage.uid !== undefined && { uid: stage.uid, gid: stage.uid }),
    });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      output += text;
      if (killed && output.includes("ready\n")) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.once("error", reject);
    child.once("close", () => resolve({ output, errors }));
    // What is left behind may hold the pipe.
    child.once("exit", () => setTimeout(() => resolve({ output, errors }), LEFT_BEHIND_MS));
  });
}

/** Makes attempts that stand each other's company in one place, or one that does not. */
async function runTogether(attempts: readonly EscapeAttempt[], place: Place, stage: Stage): Promise<Said> {
  const alone = attempts[0]?.alone;
  const given = Object.entries(stage.given).map(([name, value]) => `${name}=${value}`);
  const file = path.join(stage.readOnly, "words");
  writeFileSync(file, [...given, ...attempts.map(({ id }) => id)].join("\n"));
  const inside = [...place.words(stage, alone), stage.program, `@${file}`];
  const inherit = [stage.program, "inherit", ...given, "--", ...inside];
  const needsTerminal = attempts[0]?.terminal === true;
  const argv = needsTerminal ? ["script", "-qec", inside.map(quoted).join(" "), "/dev/null"] : inherit;
  const env = { PATH: process.env["PATH"] ?? "", ...place.env };
  const ended = await runToEnd(argv, stage, env, alone?.killed === true);
  await wait(alone?.lookAfterMs ?? 0);
  return ended;
}

/** Splits attempts into those that may share a sandbox. */
function shareable(attempts: readonly EscapeAttempt[]): readonly (readonly EscapeAttempt[])[] {
  const shared = attempts.filter(({ alone }) => alone === undefined);
  const groups = [shared.filter(({ terminal }) => terminal), shared.filter(({ terminal }) => !terminal)];
  const single = attempts.filter(({ alone }) => alone !== undefined).map((attempt) => [attempt]);
  return [...groups, ...single].filter((group) => group.length > 0);
}

/** Makes attempts in a place, each group on a fresh stage, and judges them. */
export async function tryEscapes(
  attempts: readonly EscapeAttempt[],
  place: Place,
  options: StageOptions,
): Promise<ReadonlyMap<string, Verdict>> {
  const all: [string, Verdict][] = [];
  const waiting = [...shareable(attempts)];
  const work = async () => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const stage = await makeStage(options);
      try {
        all.push(...judge(group, stage, await runTogether(group, place, stage)));
      } finally {
        await stage.end();
      }
    }
  };
  // Most of the time of those that are alone is spent waiting.
  await Promise.all([work(), work(), work()]);
  return new Map(all);
}
