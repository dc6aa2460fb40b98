/**
 * policy: turns settings into rules and answers "may X?". Pure: it knows no file, process, socket or clock.
 * in: settings, what a host's own tools are configured for, and one question. out: decision, rule, origin, remedy.
 * may import: settings, and the ground floor.
 */
export { type Address, type AddressBlock, inBlock, parseAddress, parseAddressBlock } from "./address.ts";
export { type AddressRange, rangeOf } from "./address-range.ts";
export { buildNetworkPolicy, buildPolicy } from "./build-policy.ts";
export { mayAccess } from "./may-access.ts";
export { type HostAnswer, mayConnect } from "./may-connect.ts";
export { type DialQuestion, mayDial } from "./may-dial.ts";
export { mayRoute, type RouteAnswer, upstreamRules } from "./may-route.ts";
export {
  authorityText,
  type ParsedAuthority,
  type ParsedHost,
  parseAuthority,
  parseHost,
} from "./parse-host.ts";
export { parseHostPattern } from "./parse-host-pattern.ts";
export { parseRoute } from "./parse-route.ts";
export { isRouteName, leadsByRoute } from "./reserved-name.ts";
