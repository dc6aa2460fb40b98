import { createHash } from "node:crypto";
import type http from "node:http";
import https from "node:https";
import { listening } from "./gate-fixture.ts";
import type { Authority } from "./local-origins.ts";

/** What an upstream was asked, with the fields that it was sent. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** A model's endpoint of the test's own, spoken to by TLS. */
export interface RouteUpstream extends AsyncDisposable {
  readonly port: number;
  readonly arrived: Arrived[];
}

export const largeBytes = 8 * 1024 * 1024;
export const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

/** The same bytes on either side. */
export const largeBody = () => Buffer.alloc(largeBytes, "large body of a route; ");

/**
 * Answers `/v1/messages` with its path; `/v1/up` with the hash of what was sent; `/v1/down` with a large body;
 * `/v1/stream` with three events, each but the first only after one more request to `/v1/seen` has come.
 */
export async function openRouteUpstream({ key, cert }: Authority): Promise<RouteUpstream> {
  const arrived: Arrived[] = [];
  const streams: http.ServerResponse[] = [];
  let told = 0;
  const server = https.createServer({ key, cert }, (request, response) => {
    const { method = "", url = "", headers } = request;
    arrived.push({ method, path: url, headers });
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => {
      const path = url.replace(/^.*(?=\/v1)/, "");
      if (path === "/v1/up") return response.end(hash.digest("hex"));
      if (path === "/v1/down") return response.end(largeBody());
      if (path === "/v1/stream") {
        streams.push(response);
        response.writeHead(200, { "content-type": "text/event-stream" });
        told = 1;
        return response.write("data: 1\n\n");
      }
      if (path !== "/v1/seen") return response.end(`reached ${url}`);
      response.end("seen");
      told += 1;
      const stream = told < 3 ? streams.at(-1) : streams.pop();
      return told < 3 ? stream?.write(`data: ${told}\n\n`) : stream?.end(`data: ${told}\n\n`);
    });
  });
  return { ...(await listening(server)), arrived };
}
