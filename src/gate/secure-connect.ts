import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

/** Connects by TLS, trusting the usual authorities and those of the PEM file. */
export function secureConnect(tcp: net.TcpNetConnectOpts, extraCa: string | undefined): net.Socket {
  const ca = extraCa === undefined ? {} : { ca: [...tls.rootCertificates, readFileSync(extraCa, "utf8")] };
  const name = net.isIP(tcp.host ?? "") === 0 && tcp.host !== undefined ? { servername: tcp.host } : {};
  return tls.connect({ ...tcp, ...ca, ...name, ALPNProtocols: ["http/1.1"] });
}
