import { expect, test } from "vitest";
import {
  hostOfGitSource,
  hostOfSource,
  hostsOfSources,
  withoutCredentials,
  withoutPassword,
} from "./source-url.ts";

test.each([
  ["https://registry.example/", "registry.example"],
  ["https://registry.example:443/x", "registry.example"],
  ["https://Registry.Example:8443/x", "registry.example:8443"],
  ["http://registry.example:80/", "registry.example"],
  ["https://registry.example:80/", "registry.example:80"],
  ["https://me:secret@registry.example/x/", "registry.example"],
  ["https://evil.example\\@registry.example/", "evil.example"],
  ["http://[2001:db8::7]:8080/simple", "[2001:db8::7]:8080"],
  ["http://10.0.0.7:4873", "10.0.0.7:4873"],
  ["ssh://git@git.example:2222/", "git.example:2222"],
  ["ssh://git@git.example:22/", "git.example"],
  ["git://git.example/x", "git.example"],
  ["mirror+https://mirror.example/list", "mirror.example"],
  ["file:///opt/simple", undefined],
  ["cdrom:[Debian]/", undefined],
  ["copy:/opt/debian", undefined],
  ["/opt/simple", undefined],
  ["https://", undefined],
  ["", undefined],
])("hostOfSource(%j) is %j", (source, host) => {
  expect(hostOfSource(source)).toBe(host);
});

test.each([
  ["git@Git.example:team/", "git.example"],
  ["git.example:team/", "git.example"],
  ["ssh://git@git.example:2222/", "git.example:2222"],
  ["/srv/git:x", undefined],
])("hostOfGitSource(%j) is %j", (source, host) => {
  expect(hostOfGitSource(source)).toBe(host);
});

test("hostsOfSources() names each host once, in order", () => {
  expect(
    hostsOfSources(["https://b.example/", "file:///x", "http://a.example", "https://b.example/y"]),
  ).toEqual(["b.example", "a.example"]);
});

test.each([
  ["https://me:secret@registry.example/x/", "https://registry.example/x/"],
  ["https://token@registry.example", "https://registry.example"],
  ["https://a@b:c@registry.example/x@y", "https://registry.example/x@y"],
  ["https://registry.example/x?token=secret#f", "https://registry.example/x"],
  ["me:secret@proxy.example:3128", "proxy.example:3128"],
  ["https://registry.example", "https://registry.example"],
])("withoutCredentials(%j) is %j", (source, clean) => {
  expect(withoutCredentials(source)).toBe(clean);
});

test.each([
  ["ssh://git:secret@git.example/", "ssh://git@git.example/"],
  ["ssh://git@git.example/", "ssh://git@git.example/"],
  ["git@git.example:", "git@git.example:"],
  ["https://me:secret@git.example/", "https://git.example/"],
  ["gh:", "gh:"],
])("withoutPassword(%j) is %j", (source, clean) => {
  expect(withoutPassword(source)).toBe(clean);
});
