/**
 * observe: starts fresh cells, and watches them from inside and from the host at once.
 * in: ObserveRequest, the rows wanted. out: Observations.
 * may import: settings, report, session.
 */
export { observe } from "./observe.ts";
export type { ObserveRequest } from "./run-observer.ts";
