import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { tunnelScript } from "./tunnel-script.ts";

function bash(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync("bash", args, { encoding: "utf8", timeout: 10_000 });
  return { status, stdout, stderr };
}

test("the tunnel's script is bash that parses", () => {
  expect(bash("-n", "-c", tunnelScript)).toEqual({ status: 0, stdout: "", stderr: "" });
  // Control: bash would say so.
  expect(bash("-n", "-c", `${tunnelScript}\n(`).status).not.toBe(0);
});

test("the tunnel's script does nothing where it is not PID 2: its last act is to kill all it can", () => {
  expect(tunnelScript.trimStart().split("\n")[0]).toBe("[ $$ = 2 ] || exit 125");
  const harmless = tunnelScript.replace("kill -9 -1", "true");
  expect(bash("-p", "-c", harmless, "workcell", "c1", "/bin/false", "echo", "ran")).toEqual({
    status: 125,
    stdout: "",
    stderr: "",
  });
});
