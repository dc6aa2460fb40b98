import { settingsFile } from "./settings-cases-shared.mjs";

/** @typedef {import("./settings-cases.mjs").Case} Case */

/** @type {Case["answer"]} */
const reached = ({ stdout, code, stderr }) => {
  if (stdout.includes("served")) return "reached";
  if (stdout.includes("ended")) return "refused";
  return code === 0 ? "silent" : `not started ${/^.*$/m.exec(stderr)?.[0]?.slice(0, 40)}`;
};

/** @type {Case["answer"]} */
const startedOr = ({ stdout }) => (stdout.includes("RAN") ? "it ran" : "not started");

/**
 * @param {string} id
 * @param {string} title
 * @param {(port: number) => object} network
 * @param {string} command `PORT` is the server's
 * @param {string} [required]
 * @returns {Case}
 */
const asking = (id, title, network, command, required = "refused") => ({
  id,
  title,
  settings: ({ port }) => settingsFile({}, network(port)),
  script: `PORT=$(cat port); ${command}; echo ended`,
  answer: reached,
  required,
});

const curl = (/** @type {string} */ url, more = "") => `curl -s -m 5 --noproxy '' ${more} "${url}"`;
const here = (/** @type {number} */ port) => ({ allowedDomains: [`127.0.0.1:${port}`] });
const direct =
  "import socket,sys; s=socket.create_connection(('127.0.0.1',int(sys.argv[1])),3); s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(s.recv(4096))";

/** @type {readonly Case[]} */
export const networkCases = [
  asking("4.1", "a host that is listed", here, curl("http://127.0.0.1:$PORT/"), "reached"),
  asking("4.2", "nothing is listed", () => ({}), curl("http://127.0.0.1:$PORT/")),
  {
    ...asking("4.3", "the refusal is a 403", () => ({}), ""),
    script: "curl -s -m 5 --noproxy '' -o /dev/null -w '%{http_code}' http://a.example/",
    answer: ({ stdout }) => stdout,
    required: "403",
  },
  asking(
    "4.4",
    "another port of it",
    (port) => ({ allowedDomains: [`127.0.0.1:${port + 1}`] }),
    curl("http://127.0.0.1:$PORT/"),
  ),
  asking(
    "4.5",
    "listed and denied",
    (port) => ({ ...here(port), deniedDomains: [`127.0.0.1:${port}`] }),
    curl("http://127.0.0.1:$PORT/"),
  ),
  asking(
    "4.6",
    "listed, and everything denied by *",
    (port) => ({ ...here(port), deniedDomains: ["*"] }),
    curl("http://127.0.0.1:$PORT/"),
  ),
  asking(
    "4.7",
    "listed, and its block denied as resolved",
    (port) => ({ ...here(port), deniedResolvedAddresses: ["127.0.0.0/8"] }),
    curl("http://127.0.0.1:$PORT/"),
  ),
  asking("4.8", "through CONNECT", here, curl("http://127.0.0.1:$PORT/", "-p"), "reached"),
  asking("4.9", "through CONNECT, not listed", () => ({}), curl("http://127.0.0.1:$PORT/", "-p")),
  asking(
    "4.10",
    "through SOCKS, not listed",
    () => ({}),
    'curl -s -m 5 --noproxy "" -x "socks5h://localhost:1080" http://127.0.0.1:$PORT/',
  ),
  asking(
    "4.11",
    "as a decimal number",
    () => ({ allowedDomains: ["*.example.org"] }),
    curl("http://2130706433:$PORT/"),
  ),
  asking("4.12", "by a socket of its own", here, `/usr/bin/python3 -c "${direct}" $PORT 2>/dev/null`),
  asking(
    "4.13",
    "the suffix *.example.org and its look-alike",
    () => ({ allowedDomains: ["*.example.org"] }),
    `${curl("http://evilexample.org:$PORT/")}; ${curl("http://example.org:$PORT/")}`,
  ),
  {
    id: "4.14",
    title: "a whole top-level domain, *.com",
    settings: () => settingsFile({}, { allowedDomains: ["*.com"] }),
    script: "echo RAN",
    answer: startedOr,
    required: "not started",
  },
  {
    id: "4.15",
    title: "everything allowed by *",
    settings: () => settingsFile({}, { allowedDomains: ["*"] }),
    script: "echo RAN",
    answer: startedOr,
    required: "not started",
  },
  {
    id: "4.16",
    title: "names do not resolve inside",
    script: "getent hosts localhost.localdomain.example || echo nothing",
    answer: ({ stdout }) => (stdout.includes("nothing") ? "nothing" : "resolved"),
    required: "nothing",
  },
  {
    id: "4.17",
    title: "a server inside is not seen by the host, and works",
    script: `/usr/bin/python3 -c "
import socket
s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(); c=socket.create_connection(s.getsockname()); print('BOUND')"`,
    answer: ({ stdout }) => (stdout.includes("BOUND") ? "bound" : "refused"),
    required: "bound",
  },
];
