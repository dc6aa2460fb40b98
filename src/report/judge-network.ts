import type { InsideView, OutsideView, ServerName } from "./observations.ts";
import { carrierOf, isHeldByGate, socketOf, type TunnelKind, tunnelPorts } from "./tunnel-ends.ts";
import {
  fromBoth,
  type Judge,
  type Requirement,
  refused,
  required,
  succeeded,
  type Verdict,
} from "./verdict.ts";

const HTTP = "http://localhost:3128";
const SOCKS = "socks5h://localhost:1080";

function arrived(outside: OutsideView, name: ServerName): Requirement {
  return { holds: outside.arrivals[name] > 0, otherwise: `nothing arrived at the host's ${name} server` };
}

function variable(inside: InsideView, name: string, value: string): Requirement {
  const found = inside.proxies[name] ?? "not set";
  return { holds: found === value, otherwise: `${name} is ${found}` };
}

/** The socket as seen on both sides: in the cell's /tmp, and as a socket on the host. */
function socketRequirements(inside: InsideView, outside: OutsideView, kind: TunnelKind): Requirement[] {
  const within = socketOf(inside, kind);
  if (within === "") return [{ holds: false, otherwise: `there is no /tmp/claude-${kind}-*.sock` }];
  const name = within.slice("/tmp/".length);
  const holds = outside.sockets.some((file) => file.endsWith(`/${name}`));
  return [{ holds, otherwise: "no socket of that name listens on the host" }];
}

function judgeHttp(inside: InsideView, outside: OutsideView): Verdict {
  const { http, https } = inside.attempts;
  return required(
    `HTTP ${http.detail}; HTTPS ${https.detail}; ${carrierOf(inside, outside, "http")}`,
    "inside: a request in absolute form and a TLS exchange by CONNECT on 3128; host: both arrived at its servers",
    [
      succeeded("HTTP", http),
      succeeded("HTTPS", https),
      arrived(outside, "http"),
      arrived(outside, "https"),
      variable(inside, "http_proxy", HTTP),
      variable(inside, "https_proxy", HTTP),
      ...socketRequirements(inside, outside, "http"),
    ],
  );
}

function judgeSocks(inside: InsideView, outside: OutsideView): Verdict {
  const { socks } = inside.attempts;
  return required(
    `${socks.detail}; ${carrierOf(inside, outside, "socks")}`,
    "inside: a SOCKS5 connect by name on 1080 and a request through it; host: it arrived at its server",
    [
      succeeded("SOCKS5", socks),
      arrived(outside, "socks"),
      variable(inside, "all_proxy", SOCKS),
      ...socketRequirements(inside, outside, "socks"),
    ],
  );
}

function judgeFtpAndGrpc(inside: InsideView, outside: OutsideView): Verdict {
  const { ftp, grpc } = inside.attempts;
  return required(
    `FTP ${ftp.detail}; gRPC ${grpc.detail}`,
    "inside, through 1080: an FTP login and a passive RETR, and a unary gRPC call; host: both arrived at its servers",
    [
      succeeded("FTP", ftp),
      succeeded("gRPC", grpc),
      arrived(outside, "ftp"),
      arrived(outside, "grpc"),
      variable(inside, "ftp_proxy", SOCKS),
    ],
  );
}

function forwards(inside: InsideView, kind: TunnelKind): Requirement {
  const socket = socketOf(inside, kind);
  const port = tunnelPorts[kind];
  const listens = new RegExp(`^TCP4?-LISTEN:${port}(,|$)`);
  const found = inside.processes.some(
    ({ comm, command }) =>
      comm === "socat" &&
      command.some((word) => listens.test(word)) &&
      command.some((word) => word === `UNIX-CONNECT:${socket}`),
  );
  const holds = found && inside.listening.includes(port);
  return { holds, otherwise: `no socat forwards ${port} to /tmp/claude-${kind}-*.sock` };
}

/** Says what was found in place of the forwarders too. */
function describeTunnel(inside: InsideView, outside: OutsideView): string {
  const [http, socks] = [socketOf(inside, "http"), socketOf(inside, "socks")];
  if (isHeldByGate(outside, "http") && isHeldByGate(outside, "socks"))
    return "no forwarders: both listening sockets were made in the cell, and Workcell's own process accepts on them";
  return `\`socat\`: 3128 to ${http || "nothing"}, 1080 to ${socks || "nothing"}, and so to the host`;
}

function judgeTunnel(inside: InsideView, outside: OutsideView): Verdict {
  return required(
    describeTunnel(inside, outside),
    "inside: command lines of the forwarders and listening ports; host: what went in at both ports arrived, and which " +
      "of the cell's listening sockets are Workcell's own descriptors",
    [
      forwards(inside, "http"),
      forwards(inside, "socks"),
      ...socketRequirements(inside, outside, "http"),
      ...socketRequirements(inside, outside, "socks"),
      arrived(outside, "http"),
      arrived(outside, "socks"),
    ],
  );
}

function judgeControl(inside: InsideView, outside: OutsideView): Verdict {
  const { blocked } = inside.attempts;
  const allowed = outside.decisions.filter(({ decision }) => decision === "allow");
  const denied = outside.decisions.filter(({ decision }) => decision === "deny");
  const watched = allowed.some(({ bytesDown }) => (bytesDown ?? 0) > 0);
  return required(
    `${allowed.length} allowed and ${denied.length} refused seen at the gate; the refusal inside: ${blocked.detail}`,
    "host: the gate's decisions while the observer ran; a server that no rule allows was not reached (control: the " +
      "host reaches it)",
    [
      { holds: watched, otherwise: "no allowed traffic with its bytes was seen" },
      { holds: denied.length > 0, otherwise: "no refusal was seen" },
      { holds: outside.arrivals.blocked === 0, otherwise: "the server that no rule allows was reached" },
      ...refused("a request to it", blocked, outside.controls.blocked),
    ],
  );
}

/** Network. */
export const networkJudges: Readonly<Record<string, Judge>> = {
  "net.http": fromBoth(judgeHttp),
  "net.socks": fromBoth(judgeSocks),
  "net.ftp-grpc": fromBoth(judgeFtpAndGrpc),
  "net.tunnel": fromBoth(judgeTunnel),
  "net.control": fromBoth(judgeControl),
};
