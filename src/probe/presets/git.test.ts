import { expect, test } from "vitest";
import { gitAnswer } from "./git.ts";
import { parseGitConfig } from "./git-config.ts";

const listing = [
  "file:/home/ann/.gitconfig\0url.ssh://git:secret@git.example:2222/.insteadof\nhttps://git.example/\0",
  "file:/home/ann/.gitconfig\0include.path\n/home/ann/more\0",
  "file:/home/ann/more\0url.https://ann:secret@mirror.example/.pushinsteadof\ngh:\0",
  "file:/home/ann/more\0http.sslcainfo\n~/acme.pem\0",
  "file:/home/ann/more\0http.sslverify\nfalse\0",
  "file:/home/ann/more\0http.https://git.example.extraheader\nAuthorization: Bearer secret\0",
  "file:/home/ann/more\0http.proxy\nhttp://ann:secret@proxy.example:3128\0",
  "file:/home/ann/more\0core.bare\0",
].join("");

test("gitAnswer() rewrites inside as outside, and passes on no password", () => {
  expect(gitAnswer(parseGitConfig(listing), "/home/ann")).toEqual({
    hosts: ["git.example:2222", "mirror.example"],
    environment: {
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "url.ssh://git@git.example:2222/.insteadOf",
      GIT_CONFIG_VALUE_0: "https://git.example/",
      GIT_CONFIG_KEY_1: "url.https://mirror.example/.pushInsteadOf",
      GIT_CONFIG_VALUE_1: "gh:",
      GIT_SSL_CAINFO: "/home/ann/acme.pem",
      GIT_SSL_NO_VERIFY: "1",
    },
    proxy: "http://proxy.example:3128",
    files: ["/home/ann/.gitconfig", "/home/ann/more"],
  });
});

test("gitAnswer() without configuration opens nothing", () => {
  expect(gitAnswer(parseGitConfig(""), "/home/ann")).toEqual({ hosts: [], environment: {}, files: [] });
});
