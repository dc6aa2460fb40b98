import {
  bad,
  type Header,
  membersOf,
  type Parsed,
  type RequestHead,
  type ResponseHead,
  valuesOf,
} from "./http-head.ts";

/** Where a body ends. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

type Framed = Parsed<{ readonly framing: Framing }>;

/** Where a request's body ends. SECURITY(P6): a request with two answers to that is how a second one is smuggled in. */
export function requestFraming(head: RequestHead): Framed {
  const framing = statedFraming(head);
  if (!framing.ok) return framing;
  return framing.framing.kind === "close" ? { ok: true, framing: { kind: "none" } } : framing;
}

/** Where a response's body ends, which depends on what was asked, too. */
export function responseFraming(head: ResponseHead, method: string): Framed {
  const framing = statedFraming(head);
  if (!framing.ok) return framing;
  const bodiless = method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304;
  return bodiless ? { ok: true, framing: { kind: "none" } } : framing;
}

function statedFraming(head: Pick<RequestHead, "version" | "headers">): Framed {
  const coded = valuesOf(head.headers, "transfer-encoding");
  const lengths = [...new Set(valuesOf(head.headers, "content-length"))];
  if (coded.length > 0) {
    if (lengths.length > 0) return bad("both Transfer-Encoding and Content-Length");
    if (head.version === "1.0") return bad("Transfer-Encoding in HTTP/1.0");
    if (coded.length > 1 || coded[0]?.toLowerCase() !== "chunked")
      return bad("a Transfer-Encoding other than chunked", 501);
    return { ok: true, framing: { kind: "chunked" } };
  }
  const [length, ...others] = lengths;
  if (length === undefined) return { ok: true, framing: { kind: "close" } };
  if (others.length > 0) return bad("more than one Content-Length");
  if (!/^\d{1,15}$/.test(length)) return bad("a Content-Length that is no number");
  return { ok: true, framing: { kind: "length", length: Number(length) } };
}

/** Fields that concern one connection only, or that the gate writes itself. */
const ours = new Set([
  "connection",
  "content-length",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-workcell-denied",
]);

/** The fields that go on to the other side: without those of this connection, and those meant for a proxy. */
export function endToEnd(headers: readonly Header[]): readonly Header[] {
  const named = new Set(membersOf(headers, "connection"));
  return headers.filter(({ name }) => {
    const lower = name.toLowerCase();
    return !ours.has(lower) && !named.has(lower) && !lower.startsWith("proxy-");
  });
}

/** The field that states the framing to the other side, if one does. */
export function framingHeader(framing: Framing): readonly Header[] {
  if (framing.kind === "length") return [{ name: "Content-Length", value: String(framing.length) }];
  if (framing.kind === "chunked") return [{ name: "Transfer-Encoding", value: "chunked" }];
  return [];
}

/** One head as it goes out. */
export function headText(first: string, headers: readonly Header[]): string {
  return `${first}\r\n${headers.map(({ name, value }) => `${name}: ${value}\r\n`).join("")}\r\n`;
}
