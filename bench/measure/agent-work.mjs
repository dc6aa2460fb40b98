import { spawn } from "node:child_process";
import { createServer } from "node:http";
import process from "node:process";
import { Stop } from "../../scripts/setup/stop.mjs";
import { descendants, pssBytes } from "./processes.mjs";

const TOKEN = "first-token";
const LONGEST_MS = 60_000;
/** After its answer an agent still tidies up; what stays is its idle memory. */
const SETTLE_MS = 1500;

/** @typedef {{ id: string, what: string, argv: readonly string[], talk: readonly string[], env?: NodeJS.ProcessEnv }} Agent */
/** @typedef {{ cwd: string, env: NodeJS.ProcessEnv }} Place */

/** @param {string} model */
const answer = (model) => {
  const usage = {
    input_tokens: 1,
    output_tokens: 1,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  const message = {
    id: "m",
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    usage,
  };
  return [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TOKEN } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage },
    { type: "message_stop" },
  ];
};

/** A Messages API on the loopback that answers at once with one word. */
export async function serveToken() {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method !== "POST" || !request.url?.startsWith("/v1/messages")) {
      response.writeHead(404).end("{}");
      return;
    }
    const { model = "" } = JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of answer(model))
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, close };
}

/**
 * Starts an agent and waits until it has said this.
 * @param {readonly string[]} argv @param {string} mark @param {Place} place @param {string} [input]
 */
async function startUntil([program = "", ...words], mark, { cwd, env }, input) {
  const started = performance.now();
  const child = spawn(program, words, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  if (input === undefined) child.stdin.end();
  else child.stdin.write(input);
  let said = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  const ms = await new Promise((resolve, reject) => {
    const late = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (!said.includes(mark)) return;
      clearTimeout(late);
      resolve(performance.now() - started);
    });
    child.once("error", reject);
    void ended.then(() => {
      clearTimeout(late);
      reject(new Stop(`"${program}" ended without an answer:`, said.trim().split("\n").slice(-6).join("\n")));
    });
  });
  return { child, ended, ms: Number(ms) };
}

/** From the command to the first word that the model streams, in ms. @param {Agent} agent @param {Place} place */
export async function timeFirstToken({ argv, env = {} }, place) {
  const { ms, ended } = await startUntil(argv, TOKEN, { ...place, env: { ...place.env, ...env } });
  await ended;
  return ms;
}

/**
 * What an agent's session holds of memory when it has answered and waits for more: all of its processes, and the rest of them besides
 * the agent's own.
 * @param {Agent} agent @param {Place} place
 */
export async function weighIdle({ talk, env = {} }, place) {
  const message = { type: "user", message: { role: "user", content: "hi" }, parent_tool_use_id: null };
  const input = `${JSON.stringify({ ...message, session_id: "" })}\n`;
  const with_ = { ...place, env: { ...place.env, ...env } };
  const { child, ended } = await startUntil(talk, '"type":"result"', with_, input);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const pids = [child.pid ?? 0, ...descendants(child.pid ?? 0).map(({ pid }) => pid)];
  const bytes = pids.map(pssBytes).filter((one) => !Number.isNaN(one));
  child.stdin.end();
  await ended;
  return { bytes: bytes.reduce((sum, one) => sum + one, 0), processes: bytes.length };
}

/** Of what stands on PATH. */
export const ownEnv = () => ({ PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" });
