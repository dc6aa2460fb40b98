import { copyFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { EscapeAttempt, Section } from "../security/escape/attempt.ts";
import { escapeAttempts } from "../security/escape/attempts.ts";
import { compileEscapes } from "../security/escape/program.ts";
import { noSandbox, type Place, tryEscapes } from "../security/escape/try.ts";
import type { Verdict } from "../security/escape/verdict.ts";
import { type House, lacking, type Person, people, useHouse } from "./cell.ts";
import { madeOnce } from "./made-once.ts";

const fixtures = path.resolve(import.meta.dirname, "../fixtures");

/** A cell of somebody's, with one folder to write to and one to read. */
const cellOf = (house: House, person: Person): Place => ({
  words: ({ work, readOnly }, alone) =>
    house.runWords(person, ["-m", `${work}:rw`, "-m", `${readOnly}:ro`, ...(alone?.flags ?? [])], []),
});

type Verdicts = ReadonlyMap<string, Verdict>;

interface Trial {
  readonly sections: readonly Section[];
  readonly people?: readonly Person[];
}

/** Why an attempt may prove nothing here. */
const whyVacuous = ({ rootOnly, vacuous }: EscapeAttempt, person: Person) =>
  rootOnly && !person.isRoot ? "only root can do this without a cell" : vacuous;

/** Makes the attempts of some sections in everybody's cells and without one: a test for each. */
export function describeEscapes({ sections, people: who = people }: Trial): void {
  const absent = lacking({ programs: ["gcc", "script"] });
  const house = useHouse();
  const attempts = escapeAttempts.filter(({ id }) =>
    sections.some((section) => id.startsWith(`${section}.`)),
  );
  const controls = new Map<number, Promise<Verdicts>>();
  let escapes = "";
  beforeAll(() => {
    const made = madeOnce("escapes", (folder) => void compileEscapes(folder, fixtures));
    escapes = path.join(house.folder, "escape");
    copyFileSync(path.join(made, "escape"), escapes);
  });

  describe.skipIf(absent.length > 0).each(who)("as $name", (person) => {
    let [inside, outside]: [Verdicts, Verdicts] = [new Map(), new Map()];
    beforeAll(async () => {
      const parent = house.makeFolder(`stages-${person.uid}-${person.tunnel}`, person.uid);
      const options = { escapes, parent, ...(!person.isRoot && { uid: person.uid }) };
      const control = controls.get(person.uid) ?? tryEscapes(attempts, noSandbox, options);
      controls.set(person.uid, control);
      inside = await tryEscapes(attempts, cellOf(house, person), options);
      outside = await control;
    });

    test.for(attempts)("$id: $title", (attempt, { skip }) => {
      const { id, refused, open } = attempt;
      const verdict = inside.get(id);
      if (verdict?.is === "reached" && open !== undefined) skip(`open: ${open}`);
      expect(verdict).toEqual({ is: "refused", by: expect.toBeOneOf([...refused]) });
      const why = whyVacuous(attempt, person);
      const control = outside.get(id);
      if (control?.is === "refused" && why !== undefined) skip(`vacuous here (${control.by}): ${why}`);
      expect(control).toEqual({ is: "reached" });
    });
  });
}
