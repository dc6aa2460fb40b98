/** Why the model did not answer. */
export type FailureKind =
  | "interrupted"
  | "unreachable"
  | "unauthorised"
  | "unknown-model"
  | "too-long"
  | "rate-limited"
  | "overloaded"
  | "cut"
  | "refused"
  | "broken";

/** The model did not answer: why, what to do, and whether asking again may help. */
export class ModelFailure extends Error {
  override readonly name = "ModelFailure";
  readonly kind: FailureKind;
  readonly remedy: string;
  /** What the server asks to wait, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: FailureKind,
    {
      message,
      remedy,
      retryAfterMs,
      cause,
    }: { message: string; remedy: string; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause });
    this.kind = kind;
    this.remedy = remedy;
    this.retryAfterMs = retryAfterMs;
  }

  get mayRetry(): boolean {
    return ["unreachable", "rate-limited", "overloaded", "cut", "broken"].includes(this.kind);
  }
}

/** What was asked, for the message. */
export interface Asked {
  readonly model: string;
  readonly baseUrl: string;
}

/** Reads an error of the client by its status and its body's type, never by its words but for the full context. */
export function failureOf(error: unknown, asked: Asked): ModelFailure {
  if (error instanceof ModelFailure) return error;
  const { name, status, body, headers } = shapeOf(error);
  if (name === "APIUserAbortError" || name === "AbortError")
    return new ModelFailure("interrupted", {
      message: "The request was interrupted.",
      remedy: "Send a message to go on.",
      cause: error,
    });
  if (status === undefined) return unreachable(error, asked);
  const fault = headers?.get(FAULT);
  if (status === 502 && fault) return unreachableBehind(fault, error);
  const detail = detailOf(body) ?? textOf(error, status);
  const said = `${asked.baseUrl} answered ${status}: ${detail.slice(0, 500)}`;
  const make = (kind: FailureKind, message: string, remedy: string) =>
    new ModelFailure(kind, { message, remedy, retryAfterMs: retryAfter(headers), cause: error });
  if (status === 401 || status === 403)
    return make(
      "unauthorised",
      `The model's endpoint refused the credential. ${said}`,
      "Check the key (ANTHROPIC_API_KEY, or model.key) or sign in again, on the host and not in the cell.",
    );
  if (status === 404)
    return make(
      "unknown-model",
      `The model "${asked.model}" is unknown or retired, or the address is wrong. ${said}`,
      "Name a model that exists: --model NAME; or check the address, ANTHROPIC_BASE_URL.",
    );
  if (
    status === 413 ||
    (status === 400 && /prompt is too long|exceed.{0,20}context|too many (input )?tokens/i.test(detail))
  )
    return make(
      "too-long",
      `The conversation is longer than the model's context. ${said}`,
      "Start a new session, or compact the conversation.",
    );
  if (status === 429)
    return make(
      "rate-limited",
      `The model's endpoint limits the rate. ${said}`,
      "Wait, or use another key or model.",
    );
  if (status === 529 || status === 503)
    return make("overloaded", `The model's endpoint is overloaded. ${said}`, "Try again later.");
  if (status >= 500 || status === 408 || status === 409)
    return make("broken", `The model's endpoint failed. ${said}`, "Try again later.");
  return make(
    "refused",
    `The model's endpoint refused the request. ${said}`,
    "Look at the message; it may name the model or a parameter.",
  );
}

/** The gate's header that says why it could not carry a request out. */
const FAULT = "x-workcell-fault";

/** In a cell the endpoint lies behind the gate, which answers in its place where it cannot be reached. */
function unreachableBehind(fault: string, cause: unknown): ModelFailure {
  return new ModelFailure("unreachable", {
    message: `The model's endpoint cannot be reached: ${fault}.`,
    remedy: "Check its address, where you set one (ANTHROPIC_BASE_URL), and the host's own network.",
    cause,
  });
}

/** What a body says that is none of the API's, in one line; the client puts the status before it. */
function textOf(error: unknown, status: number): string {
  const text = error instanceof Error ? error.message : `${error}`;
  const said = text.startsWith(`${status} `) ? text.slice(`${status} `.length) : text;
  return said.trim().replace(/\s+/g, " ");
}

function unreachable(error: unknown, { baseUrl }: Asked): ModelFailure {
  const causes: string[] = [];
  for (let at: unknown = error; at instanceof Error && causes.length < 4; at = at.cause)
    causes.push("code" in at && at.message === "" ? `${at.code}` : at.message);
  const remedy = "Check the address, and that the cell may reach it (workcell run --allow-host HOST).";
  return new ModelFailure("unreachable", {
    message: `The model's endpoint ${baseUrl} cannot be reached: ${causes.join(": ")}`,
    remedy,
    cause: error,
  });
}

function shapeOf(error: unknown) {
  const shape: { name?: unknown; status?: unknown; error?: unknown; headers?: unknown } =
    typeof error === "object" && error !== null ? error : {};
  const name = error instanceof Error ? error.constructor.name : undefined;
  return {
    name: name === "DOMException" ? shape.name : name,
    status: typeof shape.status === "number" ? shape.status : statusWithin(shape.error),
    body: shape.error,
    headers: shape.headers instanceof Headers ? shape.headers : undefined,
  };
}

/** What the API reports in the middle of a stream has no status, but a type that stands for one. */
const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  timeout_error: 408,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
};

function statusWithin(body: unknown): number | undefined {
  const inner = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
  if (typeof inner !== "object" || inner === null || !("type" in inner)) return undefined;
  return statuses[`${inner.type}`] ?? 500;
}

/** The endpoint has said something, if only that it will not. */
export function isAnswer(error: unknown): boolean {
  return shapeOf(error).status !== undefined;
}

function detailOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const inner = "error" in body ? body.error : body;
  if (typeof inner !== "object" || inner === null || !("message" in inner)) return undefined;
  return `${inner.message}`;
}

function retryAfter(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, 120_000) : undefined;
}
