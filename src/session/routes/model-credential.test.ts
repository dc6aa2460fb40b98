import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { failureOf } from "../../../test/helpers/failure.ts";
import { modelEnvironment, readModelCredential } from "./model-credential.ts";

const home = mkdtempSync(path.join(os.tmpdir(), "model-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const all = { ANTHROPIC_AUTH_TOKEN: "t", ANTHROPIC_API_KEY: "k", CLAUDE_CODE_OAUTH_TOKEN: "s" };
const without = (...names: string[]) => ({ ...all, ...Object.fromEntries(names.map((name) => [name, ""])) });

test.each([
  [all, "token", "ANTHROPIC_AUTH_TOKEN", { header: "authorization", scheme: "Bearer" }],
  [without("ANTHROPIC_AUTH_TOKEN"), "api-key", "ANTHROPIC_API_KEY", { header: "x-api-key" }],
  [
    without("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"),
    "subscription",
    "CLAUDE_CODE_OAUTH_TOKEN",
    { header: "authorization", scheme: "Bearer", also: { "anthropic-beta": "oauth-2025-04-20" } },
  ],
])("readModelCredential(%j) is a credential of the kind %s", (env, kind, environment, field) => {
  const origin = `environment ${environment}`;
  expect(readModelCredential(env, home)).toEqual({
    kind,
    origin,
    route: {
      setting: {
        name: "model.workcell",
        upstream: "https://api.anthropic.com",
        credential: { ...field, from: { environment } },
      },
      origin: `the usual endpoint, ${origin}`,
    },
  });
});

test("readModelCredential() goes where ANTHROPIC_BASE_URL says", () => {
  const env = { ANTHROPIC_BASE_URL: "http://127.0.0.1:4000/v", ANTHROPIC_API_KEY: "k" };
  const { setting, origin } = readModelCredential(env, home).route;
  expect([setting.upstream, origin]).toEqual([
    "http://127.0.0.1:4000/v",
    "environment ANTHROPIC_BASE_URL, environment ANTHROPIC_API_KEY",
  ]);
});

test("readModelCredential() finds none, and says in one line how to make one, then a file", async () => {
  const none = readModelCredential({}, home);
  expect(none.kind).toBe("none");
  const { code, message, remedy } = await failureOf(() => none.route.credential?.check?.());
  expect([code, remedy.includes("\n")]).toEqual(["WC_CREDENTIAL", false]);
  expect(message).toBe(
    "Cannot ask a model: no credential for it was found (the usual endpoint), and one is needed",
  );
  const file = path.join(home, ".config/workcell/model.key");
  for (const way of ["ANTHROPIC_API_KEY", file, "claude setup-token"]) expect(remedy).toContain(way);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "k");
  expect(readModelCredential({}, home)).toMatchObject({
    kind: "api-key",
    origin: `the file ${file}`,
    route: { setting: { credential: { header: "x-api-key", from: { file } } } },
  });
});

test("modelEnvironment() names the route and one placeholder of the kind", () => {
  const at = { ANTHROPIC_BASE_URL: "http://model.workcell" };
  expect(modelEnvironment("api-key")).toEqual({ ...at, ANTHROPIC_API_KEY: "workcell-placeholder" });
  expect(modelEnvironment("none")).toEqual(modelEnvironment("api-key"));
  expect(modelEnvironment("token")).toEqual({ ...at, ANTHROPIC_AUTH_TOKEN: "workcell-placeholder" });
  expect(modelEnvironment("subscription")).toEqual({
    ...at,
    CLAUDE_CODE_OAUTH_TOKEN: "workcell-placeholder",
  });
});
