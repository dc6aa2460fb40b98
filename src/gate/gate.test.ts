import { execFile, spawnSync } from "node:child_process";
import { promises as fs } from "node:fs";
import net from "node:net";
import { expect, test } from "vitest";
import { flagRule, openEcho, openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { codeOf } from "../errors/index.ts";
import { createGate } from "./index.ts";

test("ready rejects with WC_LAUNCH when a socket cannot be made, and close() still ends", async () => {
  const gate = createGate({ upstream: { noProxy: [] } });
  const missing = `${tempFolder()}/missing`;
  const sockets = { http: `${missing}/h`, socks: `${missing}/s` };
  const served = gate.serve({ network: { rules: [] }, sockets, session: "s", cell: "1", emit: () => {} });
  const error = await served.ready.catch((reason: unknown) => reason);
  expect(codeOf(error)).toBe("WC_LAUNCH");
  expect(String(error)).toContain("for the cell's network: EACCES");
  await served.close();
});

test("both sockets speak both protocols, and are gone after close()", async () => {
  await using gate = await openGate([]);
  for (const path of [gate.socket, gate.socksSocket]) {
    for (const [sent, answered] of [
      ["\x05\x01\x00", "\x05\x00"],
      ["x\r\n\r\n", "HTTP/1.1 400"],
    ] as const) {
      const socket = net.connect({ path });
      socket.write(sent);
      const got = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
      expect(got.toString("latin1").startsWith(answered)).toBe(true);
      socket.destroy();
    }
  }
  await gate.close();
  await expect(fs.access(gate.socket)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(fs.access(gate.socksSocket)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a client that resets, and one that says nothing, harm nobody", async () => {
  await using echo = await openEcho();
  await using gate = await openGate([flagRule("localhost")]);
  const silent = net.connect({ path: gate.socket });
  for (let turn = 0; turn < 20; turn += 1) {
    const socket = net.connect({ path: gate.socket });
    socket.on("error", () => {});
    socket.write(`CONNECT localhost:${echo.port} HTTP/1.1\r\n\r\n${"x".repeat(turn * 1000)}`);
    await new Promise((resolve) => setTimeout(resolve, turn % 3));
    socket.destroy();
  }
  const control = await gate.talk(`CONNECT localhost:1 HTTP/1.1\r\n\r\n`);
  expect(control).toMatch(/^HTTP\/1\.1 502 .*ECONNREFUSED/);
  silent.destroy();
});

const curl = spawnSync("curl", ["--version"]).status === 0;

/** Curl speaks to a proxy by TCP only; this is what socat does in a cell. */
async function openTcp(socketPath: string) {
  const { listening } = await import("../../test/helpers/gate-fixture.ts");
  return listening(
    net.createServer({ allowHalfOpen: true }, (tcp) => {
      const unix = net.connect({ path: socketPath, allowHalfOpen: true });
      unix.on("error", () => tcp.destroy());
      tcp.on("error", () => unix.destroy());
      tcp.pipe(unix).pipe(tcp);
    }),
  );
}

test.skipIf(!curl)("curl downloads, posts and is refused through both protocols (needs curl)", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([flagRule("localhost")]);
  await using tcp = await openTcp(gate.socket);
  const run = (...args: string[]) =>
    new Promise<string>((resolve) => {
      const env = { PATH: process.env["PATH"] ?? "" };
      const all = ["-sS", "--noproxy", "", "--max-time", "10", ...args];
      execFile("curl", all, { env }, (_error, stdout, stderr) => resolve(stdout + stderr));
    });
  const proxy = ["--proxy", `http://127.0.0.1:${tcp.port}`];
  const url = `http://localhost:${origin.port}/f`;
  expect(await run(...proxy, url)).toBe("GET /f ");
  expect(await run(...proxy, "-d", "x".repeat(3000), url)).toBe(`POST /f ${"x".repeat(3000)}`);
  expect(await run(...proxy, "-H", "Expect: 100-continue", "-T", "/dev/null", url)).toBe("PUT /f ");
  expect(await run(...proxy, "--proxytunnel", url)).toBe("GET /f ");
  expect(await run("--proxy", `socks5h://127.0.0.1:${tcp.port}`, url)).toBe("GET /f ");
  expect(await run("--proxy", `socks5://127.0.0.1:${tcp.port}`, url)).toMatch(/curl: \(97\)/);
  expect(await run(...proxy, "http://collect.example/")).toMatch(
    /rule {4}not among 1 allowed host \(flag --allow-host\)\n/,
  );
  expect(await run(...proxy, "https://collect.example/")).toMatch(/response 403/);
  expect(await run("--proxy", `socks4://127.0.0.1:${tcp.port}`, url)).toMatch(/curl: \(97\)/);
});
