/** A header field as it was sent; `name` keeps its spelling. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: "1.0" | "1.1";
  readonly headers: readonly Header[];
}

export interface ResponseHead {
  readonly version: "1.0" | "1.1";
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
}

/** A head that cannot be taken, with the status to answer it with. */
export interface BadHead {
  readonly ok: false;
  readonly status: 400 | 408 | 431 | 501 | 505;
  readonly reason: string;
}

export type Parsed<T> = ({ readonly ok: true } & T) | BadHead;

const limitBytes = 64 * 1024;
const limitHeaders = 200;
const LF = 10;
const CR = 13;

export const bad = (reason: string, status: BadHead["status"] = 400): BadHead => ({
  ok: false,
  status,
  reason,
});

/** Collects a head from pieces of any size, in time linear to its length. */
export class HeadCollector {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;
  #lineStart = 0;
  readonly #lines: string[] = [];

  /** Whether any byte has come. */
  get begun(): boolean {
    return this.#length > 0;
  }

  /** Takes the next piece: undefined while the head goes on, else its lines and the bytes after it. */
  push(piece: Buffer): Parsed<{ readonly lines: readonly string[]; readonly rest: Buffer }> | undefined {
    const from = this.#length;
    const taken = Math.min(piece.length, limitBytes - from);
    this.#append(piece.subarray(0, taken));
    let at = this.#bytes.indexOf(LF, from);
    while (at !== -1 && at < this.#length) {
      if (at === this.#lineStart || this.#bytes[at - 1] !== CR) return bad("a line ends without CR");
      const line = this.#bytes.toString("latin1", this.#lineStart, at - 1);
      this.#lineStart = at + 1;
      if (line === "") return { ok: true, lines: this.#lines, rest: piece.subarray(at + 1 - from) };
      this.#lines.push(line);
      if (this.#lines.length > limitHeaders + 1) return bad(`more than ${limitHeaders} header fields`, 431);
      at = this.#bytes.indexOf(LF, at + 1);
    }
    return this.#length >= limitBytes ? bad(`a head of more than ${limitBytes} bytes`, 431) : undefined;
  }

  #append(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = length;
  }
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Reads a request's lines; whatever two parsers could read differently is refused. */
export function parseRequestHead(lines: readonly string[]): Parsed<{ readonly head: RequestHead }> {
  const [first = "", ...rest] = lines;
  const match = /^([^ ]+) ([\x21-\x7e]+) HTTP\/(\d\.\d)$/.exec(first);
  if (match === null) return bad("the first line is no HTTP/1 request line");
  const [, method = "", target = "", version] = match;
  if (!token.test(method)) return bad("the method is no token");
  if (version !== "1.1" && version !== "1.0") return bad(`HTTP/${version} is not spoken here`, 505);
  const headers = parseHeaders(rest);
  if (!headers.ok) return headers;
  return { ok: true, head: { method, target, version, headers: headers.headers } };
}

/** Reads a response's lines, as strictly. */
export function parseResponseHead(lines: readonly string[]): Parsed<{ readonly head: ResponseHead }> {
  const [first = "", ...rest] = lines;
  const match = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(first);
  if (match === null) return bad("the first line is no HTTP/1 status line");
  const headers = parseHeaders(rest);
  if (!headers.ok) return headers;
  const version = match[1] === "0" ? "1.0" : "1.1";
  const head = {
    version,
    status: Number(match[2]),
    reason: match[3] ?? "",
    headers: headers.headers,
  } as const;
  return { ok: true, head };
}

function parseHeaders(lines: readonly string[]): Parsed<{ readonly headers: readonly Header[] }> {
  const headers: Header[] = [];
  for (const line of lines) {
    if (/^[ \t]/.test(line)) return bad("a header field is folded over lines");
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    if (!token.test(name)) return bad("a header field has no valid name");
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    // SECURITY(P15): without its name, which goes into the audit log: an upstream may say the credential there.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return bad("a header field holds a control character");
    headers.push({ name, value });
  }
  return { ok: true, headers };
}

/** All values of a field, in order. */
export function valuesOf(headers: readonly Header[], name: string): readonly string[] {
  return headers.filter((header) => header.name.toLowerCase() === name).map((header) => header.value);
}

/** The comma-separated members of a field, lower case. */
export function membersOf(headers: readonly Header[], name: string): readonly string[] {
  return valuesOf(headers, name)
    .flatMap((value) => value.split(","))
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== "");
}
