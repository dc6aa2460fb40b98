/** Where a text stops being JSON. Both count from 1; the column counts UTF-16 units. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
}

const blank = /[ \t\n\r]*/y;
const scalar =
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const key = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Reads a text from left to right and stops at the first place where JSON cannot go on. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get at(): number {
    return this.#at;
  }

  get ended(): boolean {
    return this.#at === this.#text.length;
  }

  take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) return false;
    this.#at += found.length;
    return true;
  }

  takeSign(sign: string): boolean {
    this.take(blank);
    const found = this.#text[this.#at] === sign;
    if (found) this.#at += 1;
    this.take(blank);
    return found;
  }
}

/** The brackets that are open are a list and not recursion, so that no depth of nesting ends the stack. */
function scan(scanner: Scanner): boolean {
  const open: ("]" | "}")[] = [];
  for (;;) {
    if (scanner.takeSign("[")) {
      if (!scanner.takeSign("]")) {
        open.push("]");
        continue;
      }
    } else if (scanner.takeSign("{")) {
      if (!scanner.takeSign("}")) {
        open.push("}");
        if (!scanner.take(key) || !scanner.takeSign(":")) return false;
        continue;
      }
    } else if (!scanner.take(scalar)) return false;
    while (open.length > 0 && !scanner.takeSign(",")) {
      if (!scanner.takeSign(open.pop() ?? "")) return false;
    }
    if (open.length === 0) return scanner.take(blank) && scanner.ended;
    if (open.at(-1) === "}" && !(scanner.take(key) && scanner.takeSign(":"))) return false;
  }
}

/** The first place where a text is not JSON; `undefined` when all of it is. */
export function jsonFault(text: string): JsonFault | undefined {
  const scanner = new Scanner(text);
  if (scan(scanner)) return undefined;
  const before = text.slice(0, scanner.at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}
