import type { Usage } from "./messages.ts";

/** Tokens counted, in the Messages API's own names. */
export interface Tokens {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

export const noTokens: Tokens = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

export function tokensOf(usage: Usage): Tokens {
  return {
    input_tokens: usage.input_tokens ?? 0,
    output_tokens: usage.output_tokens ?? 0,
    cache_creation_input_tokens: usage.cache_creation_input_tokens ?? 0,
    cache_read_input_tokens: usage.cache_read_input_tokens ?? 0,
  };
}

export function addTokens(a: Tokens, b: Tokens): Tokens {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cache_creation_input_tokens: a.cache_creation_input_tokens + b.cache_creation_input_tokens,
    cache_read_input_tokens: a.cache_read_input_tokens + b.cache_read_input_tokens,
  };
}

/** Tokens that the context held at the end of an answer. */
export function contextOf(tokens: Tokens): number {
  return Object.values(tokens).reduce((sum, count) => sum + count, 0);
}

/** US dollars for a million tokens: what goes in and what comes out; a cached token is read at a tenth, written at 5/4. */
const prices: readonly (readonly [RegExp, number, number])[] = [
  [/^claude-opus-4-[5-9]/, 5, 25],
  [/^claude-(opus-4|3-opus)/, 15, 75],
  [/^claude-(sonnet|3-[57]-sonnet)/, 3, 15],
  [/^claude-haiku-4/, 1, 5],
  [/^claude-3-5-haiku/, 0.8, 4],
  [/^scripted$/, 0, 0],
];

/** What these tokens cost in US dollars at list prices; `undefined`: nobody told the price of this model. */
export function costOf(model: string, tokens: Tokens): number | undefined {
  const [, into, out] = prices.find(([name]) => name.test(model)) ?? [];
  if (into === undefined || out === undefined) return undefined;
  const weighted =
    tokens.input_tokens + 1.25 * tokens.cache_creation_input_tokens + 0.1 * tokens.cache_read_input_tokens;
  return (weighted * into + tokens.output_tokens * out) / 1_000_000;
}
