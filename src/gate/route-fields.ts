import { type CredentialField, PLACEHOLDER } from "../model/index.ts";
import { endToEnd } from "./http-framing.ts";
import type { Header } from "./http-head.ts";

/** Fields that some server or gateway takes a credential from. */
const credentialField = /(^|-)(api-?key|subscription-key|auth|authorization|token|secret|cookie2?)$/;

/** Fields by which some servers take another method, path or host than the request's. */
const overridingField =
  /^(forwarded|x-forwarded-.+|x-original-(url|host)|x-rewrite-url|x-host|x-(http-)?method(-override)?)$/;

const credentialParameter = /^(key|auth|authorization|token|api-?key|(access|auth)-token)$/;

/** Servers that hand fields on as variables take `_` and `-` for the same. */
const plain = (name: string) => name.toLowerCase().replaceAll("_", "-");

const isCredential = ({ name }: Header) => credentialField.test(plain(name));

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
  const parameters = [...new URLSearchParams(query)];
  const [parameter] =
    parameters.find(([name, value]) => credentialParameter.test(plain(name)) && !isPlaceholder(value)) ?? [];
  return parameter === undefined ? undefined : `?${parameter}=`;
}

/** A credential with its value. */
export interface HeldCredential {
  readonly field: CredentialField;
  readonly value: string;
}

/**
 * The fields that go to a route's upstream: those of the request, without what it has of credentials, and the host's.
 * SECURITY(P15): the last word on what a credential's field says is the gate's.
 */
export function routedFields(
  headers: readonly Header[],
  credential: HeldCredential | undefined,
): readonly Header[] {
  const kept = endToEnd(headers).filter(
    (header) => !isCredential(header) && !overridingField.test(plain(header.name)),
  );
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
