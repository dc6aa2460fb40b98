import { expect, test } from "vitest";
import { pipAnswer } from "./pip.ts";
import { parsePipConfig, parsePipDefaults } from "./pip-config.ts";

const defaults = {
  indexUrl: "https://index.example/simple",
  fileHost: "files.example",
  files: ["/etc/pip.conf"],
};

test("parsePipConfig() reads Python's strings and lets the environment win", () => {
  const listing = [
    ":env:.index-url='https://a\\'b.example/\"x'",
    "global.index-url='https://other.example/simple'",
    'global.cert="/etc/it\'s.pem"',
    "install.no-binary='x\\ny'",
    "freeze.timeout='10'",
  ].join("\n");
  expect(parsePipConfig(listing)).toEqual({
    "index-url": "https://a'b.example/\"x",
    cert: "/etc/it's.pem",
    "no-binary": "x\ny",
  });
});

test("parsePipDefaults() takes the script's answer, and nothing else", () => {
  const answer = '["https://index.example/simple", "files.example", ["/etc/pip.conf"]]';
  expect(parsePipDefaults(answer)).toEqual(defaults);
  expect([parsePipDefaults("Traceback"), parsePipDefaults('{"a":1}')]).toEqual([undefined, undefined]);
});

test("pipAnswer() without configuration has the default index and its file host", () => {
  expect(pipAnswer({}, defaults)).toEqual({
    hosts: ["index.example", "files.example"],
    environment: {},
    files: ["/etc/pip.conf"],
  });
});

test("pipAnswer() with a mirror has the mirror alone, without credentials and local folders", () => {
  const config = {
    "index-url": "https://ann:secret@mirror.example:8443/simple",
    "extra-index-url": "file:///opt/simple\nhttps://token@extra.example/simple",
    "find-links": "/opt/wheels",
    "trusted-host": "mirror.example",
    "client-cert": "/home/ann/key.pem",
    cert: "/etc/ssl/acme.pem",
    proxy: "http://ann:secret@proxy.example:3128",
  };
  expect(pipAnswer(config, defaults)).toEqual({
    hosts: ["mirror.example:8443", "extra.example"],
    environment: {
      PIP_INDEX_URL: "https://mirror.example:8443/simple",
      PIP_EXTRA_INDEX_URL: "https://extra.example/simple",
      PIP_TRUSTED_HOST: "mirror.example",
      PIP_CERT: "/etc/ssl/acme.pem",
    },
    proxy: "http://proxy.example:3128",
    files: ["/etc/pip.conf"],
  });
});

test("pipAnswer() with no-index opens only the links", () => {
  const config = { "no-index": "true", "find-links": "https://wheels.example/" };
  expect(pipAnswer(config, defaults)).toEqual({
    hosts: ["wheels.example"],
    environment: { PIP_FIND_LINKS: "https://wheels.example/", PIP_NO_INDEX: "1" },
    files: ["/etc/pip.conf"],
  });
});
