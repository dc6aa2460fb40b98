import { addTokens, costOf, noTokens, type Tokens } from "../model/usage.ts";

export interface ModelUse {
  readonly tokens: Tokens;
  /** In US dollars at list prices; absent where the price is not known. */
  readonly costUsd?: number;
}

/** Counts what a session's models took: tokens, money, time. */
export class Ledger {
  readonly #tokens = new Map<string, Tokens>();
  #modelMs = 0;

  count(model: string, tokens: Tokens, ms: number): void {
    this.#tokens.set(model, addTokens(this.#tokens.get(model) ?? noTokens, tokens));
    this.#modelMs += ms;
  }

  get modelMs(): number {
    return this.#modelMs;
  }

  get models(): Readonly<Record<string, ModelUse>> {
    return Object.fromEntries(
      [...this.#tokens].map(([model, tokens]) => {
        const costUsd = costOf(model, tokens);
        return [model, { tokens, ...(costUsd === undefined ? {} : { costUsd }) }];
      }),
    );
  }
}

/** All models together; the cost is `undefined` as soon as one model's price is not known. */
export function totalOf(models: Readonly<Record<string, ModelUse>>): {
  readonly tokens: Tokens;
  readonly costUsd: number | undefined;
} {
  const uses = Object.values(models);
  const isPriced = uses.every(({ costUsd }) => costUsd !== undefined);
  return {
    tokens: uses.reduce((sum, { tokens }) => addTokens(sum, tokens), noTokens),
    costUsd: isPriced ? uses.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0) : undefined,
  };
}
