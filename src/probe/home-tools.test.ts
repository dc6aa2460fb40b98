import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { probeHomeTools } from "./home-tools.ts";

/** A home with files (mode 0755) and links; `find` looks for tools with its folders on PATH. */
function makeHome(files: readonly string[], links: Readonly<Record<string, string>> = {}) {
  const home = path.join(tempFolder(), "ann");
  const at = (name: string) => path.join(home, name);
  mkdirSync(home);
  for (const name of [...files, ...Object.keys(links)])
    mkdirSync(path.dirname(at(name)), { recursive: true });
  for (const name of files) {
    writeFileSync(at(name), "");
    chmodSync(at(name), 0o755);
  }
  for (const [name, text] of Object.entries(links)) symlinkSync(text.replace("HOME", home), at(name));
  const find = (folders: readonly string[], untrusted: readonly string[] = []) => {
    const question = { home, path: folders.map(at), untrusted: untrusted.map(at), env: {} };
    const { path: found, places, environment } = probeHomeTools(question);
    const short = (name: string) => path.relative(home, name);
    return { path: found.map(short), places: places.map((place) => short(place.path)).sort(), environment };
  };
  return { home, at, find };
}

test("probeHomeTools() finds a Node of nvm's with its packages, and not the configuration beside them", () => {
  const version = ".nvm/versions/node/v22.1.0";
  const { find } = makeHome(
    [`${version}/bin/node`, `${version}/lib/node_modules/npm/bin/npm-cli.js`, `${version}/etc/npmrc`],
    { [`${version}/bin/npm`]: "../lib/node_modules/npm/bin/npm-cli.js" },
  );
  expect(find([`${version}/bin`])).toEqual({
    path: [`${version}/bin`],
    places: [`${version}/bin`, `${version}/lib/node_modules`],
    environment: {},
  });
});

test("probeHomeTools() follows the links of ~/.local/bin to their packages: npm, pipx, uv, single files", () => {
  const [venv, python] = [".local/share/pipx/venvs/black", ".pyenv/versions/3.12.4"];
  const { find } = makeHome(
    [
      ...[`${venv}/bin/black`, `${venv}/pyvenv.cfg`, `${python}/bin/python3.12`, `${python}/lib/x`],
      ...[".local/lib/node_modules/tool/cli.js", ".local/share/claude/versions/2.0.1", ".local/bin/own"],
      ...[".local/share/keyrings/login", ".npmrc", `${python}/pip.conf`, ".local/share/claude/state"],
    ],
    {
      ".local/bin/black": "HOME/.local/share/pipx/venvs/black/bin/black",
      ".local/bin/tool": "../lib/node_modules/tool/cli.js",
      ".local/bin/claude": "HOME/.local/share/claude/versions/2.0.1",
      [`${venv}/bin/python`]: "python3",
      [`${venv}/bin/python3`]: `HOME/${python}/bin/python3`,
      [`${python}/bin/python3`]: "python3.12",
    },
  );
  expect(find([".local/bin"]).places).toEqual(
    [
      ...[".local/bin", venv, `${python}/bin`, `${python}/lib`],
      ...[".local/lib/node_modules", ".local/share/claude/versions/2.0.1"],
    ].sort(),
  );
});

test("probeHomeTools() takes an environment apart in which pip's configuration lies", () => {
  const { find } = makeHome(["v/bin/x", "v/pyvenv.cfg", "v/pip.conf", "v/lib/y"], { "bin/x": "../v/bin/x" });
  expect(find(["bin"]).places).toEqual(["bin", "v/bin", "v/lib", "v/pyvenv.cfg"]);
});

test("probeHomeTools() finds cargo, Go and Bun by their bin alone, and rustup's toolchains", () => {
  const { find, at } = makeHome([
    ...[".cargo/bin/rustup", ".cargo/credentials.toml", ".rustup/toolchains/stable/bin/cargo"],
    ...[".rustup/settings.toml", "go/bin/gopls", "go/src/secret.go", ".bun/bin/bun"],
  ]);
  expect(find([".cargo/bin", "go/bin", ".bun/bin"])).toEqual({
    path: [".cargo/bin", "go/bin", ".bun/bin"],
    places: [".bun/bin", ".cargo/bin", ".rustup/settings.toml", ".rustup/toolchains", "go/bin"],
    environment: { RUSTUP_HOME: at(".rustup") },
  });
});

test("probeHomeTools() finds of pyenv's versions the one that is chosen", () => {
  const { find, at } = makeHome([
    ...[
      ".pyenv/shims/python",
      ".pyenv/libexec/pyenv",
      ".pyenv/version",
      ".pyenv/versions/3.11.1/bin/python3",
    ],
    ...[
      ".pyenv/versions/3.12.4/bin/python3",
      ".pyenv/versions/3.12.4/lib/x",
      ".pyenv/versions/3.12.4/pip.conf",
    ],
  ]);
  writeFileSync(at(".pyenv/version"), "3.12.4\n");
  expect(find([".pyenv/shims"]).places).toEqual(
    [".pyenv/libexec", ".pyenv/shims", ".pyenv/version"].concat([
      ".pyenv/versions/3.12.4/bin",
      ".pyenv/versions/3.12.4/lib",
    ]),
  );
});

test("probeHomeTools() takes neither the home, nor projects, nor what is not called a folder of programs", () => {
  const { find } = makeHome(["x", "work/tool", ".ssh/id", "work/node_modules/.bin/y", "away/bin/z"], {
    "linked/bin": "/usr/bin",
    "gone/bin": "nowhere",
  });
  const folders = [
    "",
    ".",
    "work",
    ".ssh",
    "work/node_modules/.bin",
    "missing/bin",
    "linked/bin",
    "gone/bin",
  ];
  expect(find(folders)).toEqual({ path: [], places: [], environment: {} });
  expect(find(["away/bin"], ["away"])).toEqual({ path: [], places: [], environment: {} });
  expect(find(["away/bin"])).toMatchObject({ places: ["away/bin"] });
});

test("probeHomeTools() follows no link to a file that is no program, nor out of the home", () => {
  const { find, at } = makeHome([".aws/credentials", ".ssh/id"], {
    "bin/a": "../.aws/credentials",
    "bin/b": "../.ssh",
    "bin/c": "/etc/shadow",
    "bin/d": "d",
    "bin/e": "..",
  });
  chmodSync(at(".aws/credentials"), 0o600);
  expect(find(["bin"]).places).toEqual(["bin"]);
});

test("probeHomeTools() keeps ~/.local out of it when it pretends to be an environment", () => {
  const { find } = makeHome([".local/pyvenv.cfg", ".local/share/keyrings/login", ".local/bin/real"], {
    "bin/x": "../.local/bin/real",
  });
  expect(find(["bin"]).places).toEqual([".local/bin/real", "bin"]);
});
