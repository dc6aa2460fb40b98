import { expect, test } from "vitest";
import { personPath } from "../../scripts/setup/person-path.mjs";

const npm = "/clone/node_modules/.bin:/node_modules/.bin:/usr/lib/npm/run-script/lib/node-gyp-bin";

test.each([
  ["what npm puts in front is taken away", { PATH: `${npm}:/home/me/bin:/usr/bin` }, "/home/me/bin:/usr/bin"],
  [
    "what the person has stays",
    { PATH: `${npm}:/usr/bin:/me/node_modules/.bin` },
    "/usr/bin:/me/node_modules/.bin",
  ],
  ["nothing is left of nothing", { PATH: npm }, npm],
])("personPath() in a script of npm's: %s", (_, env, expected) => {
  expect(personPath({ ...env, npm_lifecycle_event: "start" })).toBe(expected);
});

test("personPath() leaves PATH as it is where npm has started nothing", () => {
  expect(personPath({ PATH: `${npm}:/usr/bin` })).toBe(`${npm}:/usr/bin`);
  expect(personPath({})).toBe("");
});
