import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, someWays } from "../helpers/run-workcell.ts";

const times = 300;
const ask = (host: string) =>
  `exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT ${host} HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n' >&3; head -c 12 <&3 >/dev/null; exec 3>&-`;

describe.each(someWays)("the audit log, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("refusals of one thing are one line and a number, those of others lines of their own; the chain holds", async () => {
    const others = ["a.example:443", "b.example:443", "no.example:80"];
    const script = `${others.map(ask).join("; ")}; for n in $(seq ${times}); do ${ask("no.example:443")}; done`;
    const outcome = await desk.outcomeOf(["bash", "-c", script]);
    expect(outcome.denials.map(({ what }) => what)).toEqual(
      [...others, "no.example:443"].map((host) => `connect ${host}`),
    );
    const lines = readFileSync(path.join(desk.state, "audit.jsonl"), "utf8").trimEnd().split("\n");
    const all = lines.map((line) => JSON.parse(line)).filter(({ decision }) => decision === "deny");
    expect(all.map(({ subject, repeats }) => [subject, repeats])).toEqual([
      ...others.map((host) => [host, undefined]),
      ["no.example:443", undefined],
      ["no.example:443", times - 1],
    ]);
    const verified = await desk.workcell(["audit", "--verify"]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("chain intact")]);
    const { stdout } = await desk.workcell(["audit", "--denied", "--session", outcome.session]);
    expect(stdout).toContain(`, ${times - 1} more times since the line before\n`);
  });
});
