import type net from "node:net";
import { codeOf } from "../errors/index.ts";

/** Waits for a socket to be connected: undefined, or why it is not. */
export function connected(
  socket: net.Socket,
  options: { readonly event: "connect" | "secureConnect"; readonly timeoutMs: number },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let failure = "ECONNABORTED";
    const timer = setTimeout(() => {
      failure = "ETIMEDOUT";
      socket.destroy();
    }, options.timeoutMs);
    const settle = (result: string | undefined) => {
      clearTimeout(timer);
      resolve(result);
    };
    socket.once(options.event, () => settle(undefined));
    socket.once("error", (error) => {
      failure = codeOf(error) ?? error.message;
    });
    socket.once("close", () => settle(failure));
  });
}
