import fc from "fast-check";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { mountName, parseMount } from "./parse-mount.ts";

test.each([
  [".:rw", { source: ".", mode: "rw" }],
  ["/a b/c:ro", { source: "/a b/c", mode: "ro" }],
  ["src:sources:ro", { source: "src", name: "sources", mode: "ro" }],
  ["src=/a:b,mode=rw", { source: "/a:b", mode: "rw" }],
  ["src=/a:b,name=c,mode=ro", { source: "/a:b", name: "c", mode: "ro" }],
  ["src=/a,mode=ro,name=c", { source: "/a", name: "c", mode: "ro" }],
  ["src=/a,b=c,mode=ro", { source: "/a,b=c", mode: "ro" }],
  ["./~:rw", { source: "./~", mode: "rw" }],
  ["src=/a,name=rw,mode=ro", { source: "/a", name: "rw", mode: "ro" }],
  [".", { source: ".", mode: "review" }],
  ["src:sources", { source: "src", name: "sources", mode: "review" }],
  ["src=/a:b", { source: "/a:b", mode: "review" }],
  [".:review", { source: ".", mode: "review" }],
  ["src:name:auto", { source: "src", name: "name", mode: "auto" }],
])("parseMount(%s) reads folder, name and mode", (text, value) => {
  expect(parseMount(text, "flag --mount")).toEqual({ value, origin: "flag --mount" });
});

const colonForm = "Write a path that contains a colon as src=PATH,name=NAME,mode=rw";
const modeFor = (source: string) =>
  `Leave the mode out to review what the command changes, or add :rw to let it write to the folder, like ${source}:rw`;
const plainName = "Give the folder a plain name, like ./src:sources:ro";

test.each([
  ["src=/a,mode=write", '"write" is not a mode; the mode must be ro, review, auto or rw', modeFor("/a")],
  ["src=/a,mode=rw,mode=ro", "a key is given twice", "Give name= and mode= at most once"],
  [
    "a:b:c",
    "it has more parts than DIR:NAME:MODE, or its last part is no mode (ro, review, auto or rw)",
    colonForm,
  ],
  [
    "a:b:c:rw",
    "it has more parts than DIR:NAME:MODE, or its last part is no mode (ro, review, auto or rw)",
    colonForm,
  ],
  ["a:review:rw", "it has two modes", "Keep one of the modes, like .:rw"],
  ["a:ro:rw", "it has two modes", "Keep one of the modes, like .:rw"],
  ["", "it names no folder", "Name a folder before the first colon, like .:rw"],
  [":rw", "it names no folder", "Name a folder before the first colon, like .:rw"],
  ["src=,mode=rw", "it names no folder", "Name a folder before the first colon, like .:rw"],
  [".::rw", "the name is empty", plainName],
  [".:..:rw", '".." is not a name', plainName],
  [".:.:rw", '"." is not a name', plainName],
  [".:a/b:rw", "the name contains a /", plainName],
  [".:a\u0007:rw", "the name contains a control character", plainName],
  [
    "a\nb:rw",
    "the folder's path contains a control character",
    "Rename the folder, or connect the one above it",
  ],
  ["~:rw", 'Workcell does not expand "~"', "Write the folder's whole path, or ./~ for one of that name"],
  ["~/x:rw", 'Workcell does not expand "~"', "Write the folder's whole path, or ./~/x for one of that name"],
])("parseMount(%j) is refused", async (text, problem, remedy) => {
  const shown = text.replace("\u0007", "\\u0007").replace("\n", "\\u000a");
  expect(await failureOf(() => parseMount(text, "flag --mount"))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the mount "${shown}" (flag --mount): ${problem}`,
    remedy,
  });
});

test("parseMount() takes any path without control characters by the src= form", () => {
  const paths = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((text) => !/\p{Cc}/u.test(text) && !/,(name|mode)=[^,]*$/.test(text) && !text.startsWith("~"));
  fc.assert(
    fc.property(paths, (source) => {
      expect(parseMount(`src=${source},name=n,mode=ro`, "o").value).toEqual({
        source,
        name: "n",
        mode: "ro",
      });
    }),
  );
});

test.each([
  [".", "/home/x/work", "work"],
  ["/a/b/", "/", "b"],
  ["..", "/home/x/work", "x"],
  ["/", "/tmp", "root"],
])("mountName() of %s in %s is %s", (source, cwd, name) => {
  expect(mountName({ source, mode: "ro" }, cwd)).toBe(name);
});
