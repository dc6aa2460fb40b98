import http from "node:http";
import https from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { addressOf, credentialOf } from "./proxy-address.ts";

/** What a TLS endpoint needs; in a cell the endpoint is plain, and none of this is loaded. */
export const secureRequest = https.request;

/** Keeps TLS connections alive, made through a proxy where there is one. */
export function secureAgent(proxy: URL | undefined): https.Agent {
  return proxy === undefined ? new https.Agent({ keepAlive: true }) : new TunnelAgent(proxy);
}

/** TLS connections through a proxy's CONNECT, kept alive as any other. */
class TunnelAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super({ keepAlive: true });
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    done: (error: Error | null, stream: Duplex) => void = () => {},
  ): undefined {
    const fail = done as (error: Error) => void;
    const host = options.host ?? "";
    const target = `${net.isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
    const ask = http.request({
      ...addressOf(this.#proxy),
      method: "CONNECT",
      path: target,
      headers: { host: target, ...credentialOf(this.#proxy) },
      agent: false,
    });
    ask.once("error", fail);
    ask.once("connect", (answer, socket) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        const why = `${answer.statusCode} ${answer.statusMessage}`;
        fail(new Error(`the proxy ${this.#proxy.host} refused CONNECT ${target}: ${why}`));
        return;
      }
      done(null, tls.connect({ ...(net.isIP(host) ? {} : { servername: host }), socket }));
    });
    ask.end();
  }
}
