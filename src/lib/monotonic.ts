import process from "node:process";

/** Time that only ever goes on, in ms since an arbitrary moment. Node loads a whole module at the first use of `performance`. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
