import { spawnSync } from "node:child_process";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { missing, starters } from "../helpers/filtered-bwrap.ts";
import { runWork } from "../helpers/program-works.ts";

const script = (browser: string) => `set -e
  echo '<body style="margin:0;background:rgb(10,200,30)"><script>document.title = "made"</script></body>' > page.html
  ${browser} --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=320,240 \\
    --user-data-dir=/tmp/profile --screenshot=/tmp/page.png file:///tmp/page.html >&2
  base64 -w 0 page.png`;

/** Width, height and first pixel of a PNG: whatever filter its first line has, the first pixel stands there as it is. */
function readPng(bytes: Buffer): { width: number; height: number; pixel: readonly number[] } {
  const chunks: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const data = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") chunks.push(data);
  }
  return {
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    pixel: [...inflateSync(Buffer.concat(chunks)).subarray(1, 4)],
  };
}

test.for(starters)("Chromium renders a page to a picture, started by $name", (starter, { skip }) => {
  const browser = ["chromium-headless-shell", "chromium"].find(
    (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
  );
  if (browser === undefined && process.env["CI"] === "true") throw new Error("Needed in CI: Chromium");
  skip(missing(["bwrap"]).length > 0 || browser === undefined, "not installed here: bubblewrap or Chromium");
  const run = runWork(starter, script(browser ?? ""));
  expect(run.code, run.errors).toBe(0);
  expect(readPng(Buffer.from(run.output, "base64"))).toEqual({
    width: 320,
    height: 240,
    pixel: [10, 200, 30],
  });
});
