import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { lacking, persons, useHouse } from "../helpers/cell.ts";

const absent = lacking({});
const house = useHouse();

type Lines = readonly string[];

/** What somebody could do to the log of three refusals. */
const changes: readonly (readonly [what: string, change: (lines: Lines) => Lines])[] = [
  ["a word was changed", (lines) => lines.map((line) => line.replace("two.example", "ten.example"))],
  ["a decision was turned round", (lines) => lines.map((line) => line.replace('"deny"', '"allow"'))],
  ["the first line was removed", (lines) => lines.slice(1)],
  ["a line was removed from the middle", (lines) => lines.filter((_, index) => index !== 1)],
  ["the last line was removed", (lines) => lines.slice(0, -1)],
  ["all but the first were removed", (lines) => lines.slice(0, 1)],
  ["a line was put in between", ([first = "", ...rest]) => [first, first, ...rest]],
  [
    "a line of another's making was put in between",
    ([first = "", ...rest]) => [first, first.replace("one", "new"), ...rest],
  ],
  ["two lines were exchanged", ([first = "", second = "", ...rest]) => [second, first, ...rest]],
  ["a blank was added", ([first = "", ...rest]) => [first.replace(":", ": "), ...rest]],
];

describe.skipIf(absent.length > 0).each(persons)("P13: the audit log of $name", (person) => {
  const log = () => path.join(house.state(person), "audit.jsonl");
  const read = () => readFileSync(log(), "utf8").trimEnd().split("\n");
  const verify = () => house.outside(person, [house.workcell, "audit", "--verify"]);
  const refuse = (host: string) => [
    "bash",
    "-c",
    `socat -t2 - TCP:localhost:3128 <<< $'CONNECT ${host}:443 HTTP/1.1\\r\\n\\r'`,
  ];

  beforeAll(async () => {
    for (const host of ["one.example", "two.example", "three.example"])
      await house.inside(person, [], refuse(host));
    copyFileSync(log(), `${log()}.kept`);
  });

  test("control: as it was written, it is intact, with every refusal in it", async () => {
    const ended = await verify();
    expect(ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/chain intact, 3 lines\n$/) });
    expect(read().map((line) => JSON.parse(line).subject)).toEqual(
      ["one", "two", "three"].map((name) => expect.stringContaining(`${name}.example`)),
    );
  });

  test.for(changes)("%s: found", async ([, change]) => {
    const kept = readFileSync(`${log()}.kept`, "utf8");
    try {
      writeFileSync(log(), `${change(read()).join("\n")}\n`);
      expect(readFileSync(log(), "utf8")).not.toBe(kept);
      expect(await verify()).toMatchObject({
        status: 1,
        stdout: expect.stringContaining("chain broken at line"),
      });
    } finally {
      // Written, not copied: the file keeps its owner.
      writeFileSync(log(), kept);
    }
    expect((await verify()).status).toBe(0);
  });

  test("a cell can neither read nor write it", async () => {
    const kept = readFileSync(log(), "utf8");
    const write = ["bash", "-c", `cat ${log()}; mkdir -p ${path.dirname(log())}; echo '{}' >>${log()}`];
    const { stdout } = await house.inside(person, [], write);
    expect(stdout).toBe("");
    expect(readFileSync(log(), "utf8")).toBe(kept);
    // Control: whoever is no cell's can.
    expect((await house.outside(person, ["cat", log()])).stdout).toBe(kept);
  });
});
