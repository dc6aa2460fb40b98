import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isRoot, lacking, type Person, people, useHouse } from "../helpers/cell.ts";
import { type Authority, makeAuthority } from "../helpers/local-origins.ts";
import { openRouteUpstream, type RouteUpstream } from "../helpers/route-upstream.ts";

const absent = lacking({ programs: ["openssl", "grep"] });
const house = useHouse();
const key = "sk-real-0123456789-abcdefghij";
const otherKey = "sk-other-0123456789-abcdefgh";
/** The key as a program may hold it that looks for it. */
const turned = Buffer.from([...Buffer.from(key)].map((byte) => byte ^ 0x55)).toString("hex");
const client = readFileSync(path.join(import.meta.dirname, "../fixtures/route-client.mjs"), "utf8");
const node = (...words: string[]) => ["node", "--input-type=module", "-e", client, "--", ...words];

let authority: Authority;
let upstream: RouteUpstream;
beforeAll(async () => {
  if (absent.length > 0) return;
  authority = makeAuthority(house.makeFolder("authority", process.getuid?.() ?? 0), ["localhost"]);
  chmodSync(authority.caFile, 0o644);
  upstream = await openRouteUpstream(authority);
});
afterAll(async () => upstream?.[Symbol.asyncDispose]());
beforeEach(() => upstream?.arrived.splice(0));

function ownFile(person: Person, name: string, content: string, mode: number): string {
  const file = path.join(house.home(person), name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  if (isRoot) chownSync(file, person.uid, person.uid);
  return file;
}

/** Settings with a route whose credential comes from there. */
function settings(person: Person, from: unknown): readonly string[] {
  const credential = { header: "x-api-key", from };
  const routes = { "model.workcell": { upstream: `https://localhost:${upstream.port}`, credential } };
  return ["--settings", ownFile(person, "routes.json", JSON.stringify({ routes }), 0o644)];
}

const env = () => ({ MODEL_KEY: key, NODE_EXTRA_CA_CERTS: authority.caFile });
const url = "http://model.workcell/v1/messages";
const withKey = (value: string) => JSON.stringify({ url, headers: { "x-api-key": value }, body: "{}" });
const answersOf = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly status: number; readonly body: string });

/** Files of the host's that Workcell wrote for somebody, in which the key stands. */
function recordsWith(person: Person): string {
  try {
    return execFileSync("grep", ["-rlF", key, house.state(person)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

describe.skipIf(absent.length > 0).each(people)("P15: a route of a cell of $name", (person) => {
  const sources: readonly (readonly [name: string, from: () => unknown])[] = [
    ["a variable", () => ({ environment: "MODEL_KEY" })],
    ["a file", () => ({ file: ownFile(person, "model.key", key, 0o600) })],
    ["a command", () => ({ command: [ownFile(person, "ask-key", `#!/bin/sh\necho ${key}\n`, 0o700)] })],
  ];

  test.for(sources)(
    "the key from %s arrives upstream, and is nowhere in the cell and the records",
    async ([, from]) => {
      const outcome = path.join(house.home(person), "outcome.json");
      const flags = [...settings(person, from()), "--outcome", outcome];
      const command = node("search", turned, withKey("workcell-placeholder"));
      const { stdout, stderr } = await house.inside(person, flags, command, { env: env() });
      const [answer = "", found = ""] = stdout.trim().split("\n");
      expect([JSON.parse(answer), JSON.parse(found)]).toEqual(["reached /v1/messages", []]);
      expect(upstream.arrived.map(({ headers }) => headers["x-api-key"])).toEqual([key]);
      expect(stdout + stderr + readFileSync(outcome, "utf8")).not.toContain(key);
      expect(recordsWith(person)).toBe("");
      const explained = await house.outside(
        person,
        [house.workcell, "run", ...settings(person, from()), "--explain", "true"],
        { env: env() },
      );
      expect(explained.status).toBe(0);
      expect(explained.stdout + explained.stderr).not.toContain(key);
    },
  );

  test("control: a key that is passed in by hand, with no route, is found by the same search", async () => {
    const { stdout } = await house.inside(person, ["-e", "MODEL_KEY"], node("search", turned), {
      env: env(),
    });
    expect(JSON.parse(stdout)).toEqual(["environ", "memory"]);
  });

  test("another key is refused, told without it, and does not arrive", async () => {
    const flags = settings(person, { environment: "MODEL_KEY" });
    const words = [
      withKey(otherKey),
      JSON.stringify({ url, headers: { authorization: `Bearer ${otherKey}` } }),
      JSON.stringify({ method: "GET", url: `${url}?key=${otherKey}` }),
    ];
    const { stdout, stderr } = await house.inside(person, flags, node("ask", ...words), { env: env() });
    const answers = answersOf(stdout);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(answers[0]?.body).toContain("another credential towards model.workcell (x-api-key)");
    expect(stderr).toContain("another credential towards model.workcell (x-api-key)");
    expect(stdout + stderr).not.toContain(otherKey);
    expect(upstream.arrived).toEqual([]);
    const log = await house.outside(person, [house.workcell, "audit", "--denied", "--json"]);
    expect(log.stdout).toContain("another credential towards model.workcell (authorization)");
    expect(log.stdout).not.toContain(otherKey);
  });

  test("control: without a cell the same other key reaches the same upstream", async () => {
    const program = `require("node:https").request("https://localhost:${upstream.port}/v1/messages",
      { method: "POST", headers: { "x-api-key": process.argv[1] } }, (response) => console.log(response.resume().statusCode)).end()`;
    const { stdout } = await house.outside(person, ["node", "-e", program, otherKey], { env: env() });
    expect(stdout).toBe("200\n");
    expect(upstream.arrived.map(({ headers }) => headers["x-api-key"])).toEqual([otherKey]);
  });

  test("the upstream's own name, another path and another route stay refused", async () => {
    const flags = settings(person, { environment: "MODEL_KEY" });
    const urls = [
      `http://localhost:${upstream.port}/v1/messages`,
      "http://model.workcell/api/keys",
      "http://model.workcell/v1/%2e%2e/api/keys",
      "http://other.workcell/v1/messages",
    ];
    const words = urls.map((one) => JSON.stringify({ url: one }));
    const { stdout } = await house.inside(person, flags, node("ask", ...words), { env: env() });
    expect(answersOf(stdout).map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect(upstream.arrived).toEqual([]);
  });

  test("a start that would bring the key in by another way does not happen", async () => {
    const folder = path.basename(house.home(person));
    const made = house.makeFolder(`${folder}-work-${Date.now()}`, person.uid);
    const file = path.join(made, "model.key");
    writeFileSync(file, key);
    chmodSync(file, 0o600);
    if (isRoot) chownSync(file, person.uid, person.uid);
    const variable = settings(person, { environment: "MODEL_KEY" });
    const ways: readonly (readonly [flags: readonly string[], why: string])[] = [
      [[...variable, "-e", "MODEL_KEY"], "the variable MODEL_KEY (flag --env) holds it"],
      [[...variable, "-e", `OTHER=a${key}b`], "the variable OTHER (flag --env) holds it"],
      [[...settings(person, { file }), "-m", made], "which the cell sees"],
    ];
    for (const [flags, why] of ways) {
      // Both write the same settings file: the one that counts is written last.
      const from = flags.includes("-m") ? { file } : { environment: "MODEL_KEY" };
      settings(person, from);
      const { status, stdout, stderr } = await house.inside(person, flags, ["echo", "ran"], { env: env() });
      expect([status, stdout]).toEqual([125, ""]);
      expect(stderr).toContain(why);
      expect(stderr).not.toContain(key);
    }
  });
});
