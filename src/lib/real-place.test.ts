import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { realPlace } from "./real-place.ts";

test("realPlace() follows links, also where the rest does not exist", () => {
  const root = tempFolder();
  mkdirSync(path.join(root, "real"));
  symlinkSync("real", path.join(root, "link"));
  const places = ["link", "link/none/deep", "real/none", "none", "."];
  expect(places.map((place) => realPlace(path.join(root, place)))).toEqual(
    ["real", "real/none/deep", "real/none", "none", "."].map((place) => path.join(root, place)),
  );
  expect(realPlace("/")).toBe("/");
});
