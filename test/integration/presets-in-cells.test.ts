import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

/** A server on loopback that knows a few paths, and keeps what it was asked. */
async function serve(files: (base: string) => ReadonlyMap<string, Buffer | string>) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const content = known.get((request.url ?? "").replace(/\?.*/, ""));
    response.statusCode = content === undefined ? 404 : 200;
    response.end(content ?? "{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const known = files(base);
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { base, asked, [Symbol.dispose]: close };
}

/** A registry with one package that does nothing. */
function onePackage(base: string): ReadonlyMap<string, Buffer | string> {
  const folder = tempFolder();
  mkdirSync(path.join(folder, "package"));
  writeFileSync(path.join(folder, "package/package.json"), '{"name":"leaf","version":"1.0.0"}');
  const tarball = execFileSync("tar", ["-cz", "-C", folder, "package"]);
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const version = {
    name: "leaf",
    version: "1.0.0",
    dist: { tarball: `${base}/leaf/-/leaf-1.0.0.tgz`, integrity },
  };
  const document = { name: "leaf", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
  return new Map<string, Buffer | string>([
    ["/leaf", JSON.stringify(document)],
    ["/leaf/-/leaf-1.0.0.tgz", tarball],
  ]);
}

/** A repository as git serves it over HTTP without a program on the server's side. */
function oneRepository(): ReadonlyMap<string, Buffer | string> {
  const folder = tempFolder();
  const script = `export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
    git init -q work && cd work && echo hello > file && git add file
    git -c user.name=a -c user.email=a@b.example commit -q -m one
    git clone -q --bare . ../repo.git && cd ../repo.git && git repack -q -a -d && git update-server-info && find . -type f`;
  const listed = execFileSync("bash", ["-euc", script], { cwd: folder, encoding: "utf8" });
  const names = listed
    .trim()
    .split("\n")
    .map((name) => name.slice(2));
  return new Map(
    names.map((name) => [`/repo.git/${name}`, readFileSync(path.join(folder, "repo.git", name))]),
  );
}

const has = (tool: string) => existsSync(`/usr/bin/${tool}`);

describe.each(people)("presets in a cell of $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const install = [
    "bash",
    "-c",
    "cd && mkdir -p job && cd job && echo '{}' > package.json && npm install leaf",
  ];

  test("npm installs from a registry on plain http, and posts nothing to it", async () => {
    using registry = await serve(onePackage);
    desk.file("home/.npmrc", `registry=${registry.base}/\n`);
    const outcome = await desk.outcomeOf(["--preset", "npm", ...install]);
    expect(outcome).toMatchObject({ status: "exited", exitCode: 0, denials: [] });
    expect(new Set(registry.asked)).toEqual(new Set(["GET /leaf", "GET /leaf/-/leaf-1.0.0.tgz"]));
    // Control: an npm that is told to audit posts, and the gate refuses it.
    const control = await desk.outcomeOf(["--preset", "npm", "-e", "npm_config_audit=true", ...install]);
    expect(control.denials.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^POST http:\/\/127\.0\.0\.1:\d+\/-\/npm\/v1\/security\//),
    ]);
  });

  test.runIf(has("git"))("git clones from where the person's configuration rewrites to", async () => {
    using server = await serve(oneRepository);
    desk.file("home/.gitconfig", `[url "${server.base}/"]\n insteadOf = corp:\n`);
    const clone = ["bash", "-c", "cd && git clone -q corp:repo.git && cat repo/file"];
    expect(await desk.run(["--preset", "git", ...clone])).toMatchObject({
      code: 0,
      stdout: "hello\n",
      stderr: "",
    });
    // Control: without the preset, neither the rewrite nor the host is there.
    expect((await desk.run(clone)).code).not.toBe(0);
  });

  test.runIf(has("pip3"))("pip runs, and fails cleanly when its index cannot be reached", async () => {
    desk.file("pip.conf", "[global]\nindex-url = http://127.0.0.1:1/simple\nretries = 0\n");
    const env = { PIP_CONFIG_FILE: path.join(path.dirname(desk.home), "pip.conf") };
    const download = ["bash", "-c", "pip3 --version >&2 && cd /tmp && pip3 download --retries 0 leaf"];
    const { code, stderr } = await desk.run(["--preset", "pip", ...download], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^pip \d/m);
    expect(stderr).toMatch(/connect 127\.0\.0\.1:1: ECONNREFUSED|No matching distribution found for leaf/);
  });

  test.runIf(has("apt-get"))(
    "apt reads the host's sources as an ordinary user, without a complaint",
    async () => {
      const ask = (words: string) => desk.run(["--preset", "apt", "bash", "-c", words]);
      const targets = "apt-get indextargets --no-release-info --format '$(SITE)' | sort -u";
      const [inside, outside] = [await ask(targets), await desk.outside(["bash", "-c", targets])];
      expect([inside.code, inside.stderr, inside.stdout]).toEqual([0, "", outside.stdout]);
      const folders =
        'eval "$(apt-config shell L Dir::State::lists/d C Dir::Cache::archives/d P Acquire::http::Proxy)"';
      const { stdout } = await ask(`${folders}; touch $L/partial/x $C/partial/x && echo "$P" $L`);
      expect(stdout).toMatch(/^ \/sessions\/[a-z-]+\/\.local\/state\/apt\/lists\/\n$/);
    },
  );
});
