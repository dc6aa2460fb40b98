import { expect, test } from "vitest";
import { type Ancestor, personEnvironment } from "./person-environment.ts";

const inScript = {
  PATH: "/usr/bin",
  npm_lifecycle_event: "start",
  npm_config_registry: "https://evil.example/",
};

const ancestors: Readonly<Record<number, Ancestor>> = {
  30: { env: inScript, parent: 20 },
  20: { env: { PATH: "/usr/bin", npm_config_registry: "https://own.example/" }, parent: 1 },
};

test("personEnvironment() leaves the environment alone outside of an npm script", () => {
  const env = { PATH: "/usr/bin", npm_config_registry: "https://own.example/" };
  expect(personEnvironment(env, 30, (pid) => ancestors[pid])).toBe(env);
});

test("personEnvironment() takes npm's settings from whoever started npm, not from the project", () => {
  expect(personEnvironment(inScript, 30, (pid) => ancestors[pid])).toEqual({
    PATH: "/usr/bin",
    npm_config_registry: "https://own.example/",
  });
});

test("personEnvironment() has no settings of npm when nobody can be asked", () => {
  expect(personEnvironment(inScript, 7, () => undefined)).toEqual({ PATH: "/usr/bin" });
});
