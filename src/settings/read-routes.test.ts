import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { fileLayer } from "./file-layer.ts";
import { folderLayer } from "./folder-layer.ts";
import { mergeLayers } from "./merge.ts";

const file = "/etc/x/settings.json";
const secret = "sk-real-0123456789";
const place = { cwd: "/work", home: "/home/ann", env: {} };
const read = (routes: unknown, at = file) => fileLayer(Buffer.from(JSON.stringify({ routes })), at, place);
const one = (from: unknown, more: object = {}) => ({
  "model.workcell": { upstream: "https://a.example", credential: { header: "x-api-key", from, ...more } },
});

test("readRoutes() takes a route with all that it may say", () => {
  const credential = { header: "authorization", scheme: "Bearer", also: { "anthropic-beta": "a" } };
  const said = { upstream: "https://a.example/b", allow: ["POST /v1"] };
  const from = { command: ["pass", "show", "model"], timeout: "2s" };
  const { routes } = read({ "model.workcell": { ...said, credential: { ...credential, from } } });
  expect(routes).toEqual([
    {
      origin: `settings ${file}: routes.model.workcell`,
      value: {
        name: "model.workcell",
        ...said,
        credential: { ...credential, from: { command: from.command, timeoutMs: 2000 } },
      },
    },
  ]);
});

test.each([
  [{ environment: "MODEL_KEY" }, { environment: "MODEL_KEY" }],
  [{ file: "model.key" }, { file: "/etc/x/model.key" }],
  [{ file: "/run/model.key" }, { file: "/run/model.key" }],
  [{ command: ["pass"] }, { command: ["pass"], timeoutMs: 10_000 }],
])("readRoutes() reads the source %j", (from, source) => {
  expect(read(one(from)).routes?.[0]?.value.credential?.from).toEqual(source);
});

const needed = 'it must be one of {"environment": NAME}, {"file": PATH} and {"command": [PROGRAM, ...]}';
test.each([
  ["a source that is the value", one(secret), `it is a string; ${needed}`],
  ["two sources", one({ file: secret, environment: "A" }), `it is an object; ${needed}`],
  ["a list", one([secret]), `it is a list; ${needed}`],
  ["no source", one(undefined), `it is missing; ${needed}`],
  [
    "another header",
    one({ file: secret }, { header: secret }),
    "it is no such value; it must be one of authorization, ",
  ],
  ["another scheme", one({ file: secret }, { scheme: secret }), "it must be one of Bearer"],
  ["an empty file", one({ file: "" }), "it is empty"],
  ["an empty command", one({ command: [] }), "it is empty"],
  ["a NUL", one({ command: ["a", `${secret}\0`] }), "it contains a NUL"],
  ["a time-out that is none", one({ command: ["a"], timeout: "soon" }), 'time-out "soon"'],
  ["an unknown key", one({ file: secret }, { value: secret }), "there is no such setting"],
  ["no upstream", { "model.workcell": {} }, "it is missing; it must be a string"],
])("readRoutes() refuses %s, and shows no credential", async (_, routes, problem) => {
  const { code, message } = await failureOf(() => read(routes));
  expect([code, message]).toEqual(["WC_SETTINGS", expect.stringContaining(problem)]);
  expect(message).toContain("routes.model.workcell");
  expect(message).not.toContain(secret);
});

test("an unknown key of a route is told with those there are", async () => {
  const { message, remedy } = await failureOf(() => read({ "a.workcell": { upstream: "u", alow: [] } }));
  expect(message).toContain('the nearest is "routes.a.workcell.allow"');
  expect(remedy).toBe("Remove it, or use one of upstream, credential, allow");
});

test("a folder's own file may set no route", async () => {
  const bytes = Buffer.from(JSON.stringify({ routes: one({ environment: "A" }) }));
  const found = { folder: "/work", file: "/work/.workcell.json", bytes };
  expect((await failureOf(() => folderLayer(found))).message).toContain(
    "a folder's own file may never say where a credential of yours goes",
  );
});

test("of two layers that name a route the stronger one's stands, whole", () => {
  const weaker = read(one({ environment: "A" }));
  const stronger = read({ "model.workcell": { upstream: "https://b.example" } }, "/b.json");
  const { routes } = mergeLayers([weaker, stronger], "/work");
  expect(routes).toEqual([
    {
      value: { name: "model.workcell", upstream: "https://b.example" },
      origin: "settings /b.json: routes.model.workcell",
    },
  ]);
  expect(mergeLayers([{}], "/work")).not.toHaveProperty("routes");
});
