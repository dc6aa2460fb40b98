import type { FailureKind } from "../model/model-failure.ts";

/** What Claude Code's lines say of a turn that failed; older versions say it in the text alone. */
export interface ClaudeFailure {
  readonly text: string;
  /** The endpoint's answer. */
  readonly status?: number | undefined;
  /** Its own words for the error, and for why it ended. */
  readonly words: readonly string[];
}

const failures: readonly (readonly [
  kind: FailureKind,
  of: { readonly words: readonly string[]; readonly statuses: readonly number[] },
  remedy: string,
])[] = [
  [
    "too-long",
    { words: ["prompt_too_long"], statuses: [413] },
    "Begin a new conversation: another --session NAME, or none",
  ],
  [
    "unauthorised",
    { words: ["authentication_failed"], statuses: [401, 403] },
    "Check the API key or sign in again, on the host and not in the cell",
  ],
  [
    "unknown-model",
    { words: ["model_not_found"], statuses: [404] },
    "Name a model that exists: --model NAME",
  ],
  ["rate-limited", { words: ["rate_limit"], statuses: [429] }, "Wait, or use another key or model"],
  ["overloaded", { words: ["overloaded"], statuses: [503, 529] }, "Try again later"],
];

/** Why its turn failed, and what can be done about that. */
export function claudeFailure({ text, status, words }: ClaudeFailure): {
  readonly kind: FailureKind;
  readonly message: string;
  readonly remedy: string;
} {
  const told = status ?? Number(/API Error: .*?\b([45]\d\d)\b/.exec(text)?.[1] ?? Number.NaN);
  const isOf = (of: (typeof failures)[number][1]) =>
    of.words.some((word) => words.includes(word)) || of.statuses.includes(told);
  if (text.includes("Workcell's gate could not carry this out"))
    return { kind: "unreachable", message: text, remedy: unreachableRemedy };
  const [kind, , remedy] = failures.find(([, of]) => isOf(of)) ?? [
    "broken" as const,
    undefined,
    "Look at what it says; --json shows every line",
  ];
  return { kind, message: text, remedy };
}

/** The gate, on the host, did not reach it. */
const unreachableRemedy =
  "Check its address, where you set one (ANTHROPIC_BASE_URL), and the host's own network";
