import { expect, test } from "vitest";
import { npmAnswer } from "./npm.ts";
import { parseNpmConfig } from "./npm-config.ts";

const listing = `; "default" config from default values

_auth = (protected)
; ca = null ; overridden by user
globalconfig = "/usr/etc/npmrc"
password = (protected)
proxy = null
; registry = "https://default.example/" ; overridden by user
replace-registry-host = "never"
userconfig = "/home/ann/.npmrc"

; "builtin" config from /usr/share/npm/npmrc

cache-max = 9

; "user" config from /home/ann/.npmrc

@acme:registry = "https://ann:***@npm.acme.example:8443/x/"
//npm.acme.example:8443/x/:_authToken = (protected)
ca = ["AAA","BBB"]
cafile = "/etc/ssl/acme.pem"
https-proxy = "http://ann:***@proxy.example:3128"
registry = "http://ann:secret@mirror.example/"
strict-ssl = false

; "project" config from /.npmrc

@evil:registry = "https://evil.example/"
`;

test("npmAnswer() passes on registries and certificates, and no credential", () => {
  expect(npmAnswer(parseNpmConfig(listing))).toEqual({
    hosts: ["npm.acme.example:8443", "mirror.example"],
    environment: {
      "npm_config_@acme:registry": "https://npm.acme.example:8443/x/",
      npm_config_registry: "http://mirror.example/",
      npm_config_audit: "false",
      npm_config_fund: "false",
      npm_config_update_notifier: "false",
      npm_config_cafile: "/etc/ssl/acme.pem",
      npm_config_ca: "AAA\n\nBBB",
      npm_config_strict_ssl: "false",
      npm_config_replace_registry_host: "never",
    },
    proxy: "http://proxy.example:3128",
    files: ["/usr/share/npm/npmrc", "/home/ann/.npmrc", "/.npmrc", "/usr/etc/npmrc"],
  });
});

test("npmAnswer() leaves npm's audit as it is where the gate does not see that it is posted", () => {
  expect(npmAnswer({ values: { registry: "https://mirror.example/" }, files: [] }).environment).toEqual({
    npm_config_registry: "https://mirror.example/",
  });
});

test("npmAnswer() opens nothing when npm says nothing", () => {
  expect(npmAnswer(parseNpmConfig(""))).toEqual({ hosts: [], environment: {}, files: [] });
});
