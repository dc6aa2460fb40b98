import { type CredentialField, PLACEHOLDER } from "../model/index.ts";
import { endToEnd } from "./http-framing.ts";
import type { Header } from "./http-head.ts";

/**
 * SECURITY(P15): what goes on to an upstream, in lower case; nothing else does. Servers take credentials, other methods, paths and
 * hosts from fields of so many names that no list of those is whole. With a star: what begins so. The framing is the
 * gate's to state: `Content_Length` would be a second one to servers that take `_` for `-`.
 */
export const passingFields: readonly string[] = [
  // What the request is, and what may be answered.
  ..."accept accept-charset accept-encoding accept-language cache-control content-encoding content-language".split(
    " ",
  ),
  ..."content-type date expect if-match if-none-match pragma range user-agent".split(" "),
  // Which request it is, in the logs of both ends.
  ..."idempotency-key x-request-id x-client-request-id x-correlation-id traceparent tracestate".split(" "),
  // What models' own clients say of themselves and of the interface that they mean.
  ..."anthropic-* x-anthropic-* x-app x-claude-* x-stainless-*".split(" "),
  ..."openai-* originator version session-id conversation-id thread-id x-codex-*".split(" "),
  ..."x-goog-api-client x-goog-request-params x-goog-gemini-* http-referer referer x-title x-initiator x-opencode-*".split(
    " ",
  ),
];

const passing = new Set(passingFields.filter((name) => !name.endsWith("*")));
const beginnings = passingFields.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));

/** Names that some server or gateway takes a credential from; `_` is `-`. */
const credentialName =
  /(key|token|secret|auth|authorization|authentication|credentials?|cookie2?|password|passwd|jwt|bearer|signature)$|(^|-)(auth|api-?key)-/;
/** Where a list goes on, and what a request is known by again. */
const otherName =
  /^((next|prev)-?)?(page|continuation|sync|cursor)-?token$|^(idempotency|cache|sort|partition)-?key$/;

/** Servers that hand fields on as variables take `_` and `-` for the same. */
const plain = (name: string) => name.toLowerCase().replaceAll("_", "-");

function passes({ name }: Header): boolean {
  const own = plain(name);
  const goes = passing.has(own) || beginnings.some((begin) => own.startsWith(begin));
  return goes && (!credentialName.test(own) || otherName.test(own));
}

const isCredential = ({ name }: Header) => credentialName.test(plain(name)) && !otherName.test(plain(name));

/** A parameter's name as lenient servers read it: `key[]`, `key%20` and `key%00` are `key`, and `;` parts as `&` does. */
const bare = (name: string) => name.replace(/\[[^\]]*\]/g, "").replace(/^[^a-z0-9]+|[^a-z0-9]+$/gi, "");

function isPlaceholder(value: string): boolean {
  return value === "" || value.replace(/^Bearer +/i, "") === PLACEHOLDER;
}

/**
 * Where a request towards a route carries a credential that is not the placeholder: the field or parameter, never its
 * value. SECURITY(P15): with somebody else's key, an endpoint that is allowed leads to that somebody.
 */
export function foreignCredential(headers: readonly Header[], path: string): string | undefined {
  const field = headers.find((header) => isCredential(header) && !isPlaceholder(header.value));
  if (field !== undefined) return field.name.toLowerCase();
  const [, query = ""] = /\?(.*)$/s.exec(path) ?? [];
  const parameters = [...new URLSearchParams(query.replaceAll(";", "&"))];
  const [parameter] =
    parameters.find(([name, value]) => isCredential({ name: bare(name), value }) && !isPlaceholder(value)) ??
    [];
  return parameter === undefined ? undefined : `?${parameter}=`;
}

/** A credential with its value. */
export interface HeldCredential {
  readonly field: CredentialField;
  readonly value: string;
}

/**
 * The fields that go to a route's upstream: of the request's those that pass, and the host's credential.
 * SECURITY(P15): the last word on what a credential's field says is the gate's.
 */
export function routedFields(
  headers: readonly Header[],
  credential: HeldCredential | undefined,
): readonly Header[] {
  const kept = endToEnd(headers).filter(passes);
  if (credential === undefined) return kept;
  const { header, scheme, also = {} } = credential.field;
  const value = scheme === undefined ? credential.value : `${scheme} ${credential.value}`;
  return [...Object.entries(also).reduce(withField, kept), { name: header, value }];
}

/** With a value added to the field, unless it stands there already. */
function withField(headers: readonly Header[], [name, value]: readonly [string, string]): readonly Header[] {
  const own = headers.filter((header) => header.name.toLowerCase() === name.toLowerCase());
  const values = own.flatMap((header) => header.value.split(",")).map((one) => one.trim());
  const all = values.includes(value) ? values : [...values, value];
  const others = headers.filter((header) => !own.includes(header));
  return [...others, { name, value: all.filter((one) => one !== "").join(",") }];
}

/** SECURITY(P15): a session that the upstream begins with the host's credential is one, too. */
export function withoutCookies(headers: readonly Header[]): readonly Header[] {
  return headers.filter(({ name }) => !/^set-cookie2?$/i.test(name));
}
