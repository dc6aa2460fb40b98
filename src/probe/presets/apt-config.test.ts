import { expect, test } from "vitest";
import { mirrorFileOf, parseAptProxy, parseMirrorList, parseRepositories } from "./apt-config.ts";

test("parseRepositories() names each once", () => {
  const listing = "http://deb.example/debian/\nhttp://deb.example/debian/\n\ncdrom:[x]/\n";
  expect(parseRepositories(listing)).toEqual(["http://deb.example/debian/", "cdrom:[x]/"]);
});

test("mirrorFileOf() finds the local list, however apt spells it", () => {
  expect([
    mirrorFileOf("mirror+file:/etc/apt/mirrors/debian.list/"),
    mirrorFileOf("mirror+file:///etc/apt/mirrors/debian.list"),
    mirrorFileOf("mirror+https://mirror.example/list/"),
    mirrorFileOf("http://deb.example/debian/"),
  ]).toEqual(["/etc/apt/mirrors/debian.list", "/etc/apt/mirrors/debian.list", undefined, undefined]);
});

test("parseMirrorList() reads the URLs without priorities and comments", () => {
  expect(
    parseMirrorList("# ours\nhttps://a.example/debian\tpriority:1\n\nhttps://b.example/ # far\n"),
  ).toEqual(["https://a.example/debian", "https://b.example/"]);
});

test("parseAptProxy() prefers the proxy for http and knows DIRECT", () => {
  const dump = [
    'Acquire::https::Proxy "http://tls.example:3128";',
    'Acquire::http::Proxy::deb.example "DIRECT";',
    'Acquire::http::Proxy "http://web.example:3128";',
    'Acquire::http::Proxy::far.example "http://far.example:3128";',
  ];
  expect([parseAptProxy(dump.join("\n")), parseAptProxy(dump[1] ?? "")]).toEqual([
    "http://web.example:3128",
    undefined,
  ]);
});
