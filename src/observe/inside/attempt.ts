import type { Attempt } from "../../report/index.ts";

/** The code of an error, else its message. */
export function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

/** Tries something: what it says when it goes through, else the error's code. */
export async function attempt(act: () => Promise<string> | string): Promise<Attempt> {
  try {
    return { ok: true, detail: await act() };
  } catch (error) {
    return { ok: false, detail: said(error).slice(0, 200) };
  }
}
