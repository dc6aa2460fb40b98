import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { writeFileAtomic } from "../lib/atomic-file.ts";
import { readBoundedFile } from "../lib/read-bounded-file.ts";
import { stateFolder } from "../lib/xdg-folders.ts";
import type { Environment } from "./environment-layer.ts";
import { quoted } from "./invalid-value.ts";
import type { TrustFile } from "./trust-schema.ts";

/** Whose agreements: both decide where trust.json lies. */
export interface TrustPlace {
  readonly env: Environment;
  readonly home: string;
}

/** One content of one folder's file, or of an agent's configuration in it, that the person has seen and agreed to. */
export type Agreement = TrustFile["agreements"][number];

/** What an agreement is about. */
export interface Subject {
  /** The folder's real path. */
  readonly folder: string;
  /** Whose configuration in it is meant; absent: Workcell's own. */
  readonly agent?: string;
}

/** What may be agreed to: exactly these bytes. */
export interface Agreeable extends Subject {
  readonly bytes: Buffer;
}

const isAbout =
  ({ folder, agent }: Subject) =>
  (one: Agreement) =>
    one.folder === folder && one.agent === agent;

const limitBytes = 16 * 1024 * 1024;

function trustFile({ env, home }: TrustPlace): string {
  return path.join(stateFolder(env, home), "trust.json");
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function damaged(file: string, problem: string, cause?: unknown): WorkcellError {
  return new WorkcellError("WC_TRUST", {
    message: `Cannot read what was agreed to, ${quoted(file)}: ${problem}`,
    remedy: `Take ${quoted(file)} away, then run workcell trust in each folder again`,
    cause,
  });
}

const writableByOthers = 0o022;

/** The content of trust.json; undefined when there is none. */
function readTrustFile(file: string): Buffer | undefined {
  try {
    const bytes = readBoundedFile(file, { limitBytes, plainFile: true });
    if (bytes === undefined) throw damaged(file, "it is larger than 16 MiB, or no plain file");
    if ((statSync(file).mode & writableByOthers) === 0) return bytes;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error instanceof WorkcellError ? error : damaged(file, codeOf(error) ?? String(error), error);
  }
  throw damaged(file, "others than its owner may write to it");
}

/** All agreements, oldest first. */
export async function listAgreements(place: TrustPlace): Promise<readonly Agreement[]> {
  const file = trustFile(place);
  const bytes = readTrustFile(file);
  if (bytes === undefined) return [];
  const { checkTrustFile } = await import("./trust-schema.ts");
  const content = checkTrustFile(bytes.toString("utf8"));
  if (content === undefined) throw damaged(file, "it is not in the form that Workcell writes");
  return content.agreements;
}

async function writeAgreements(place: TrustPlace, agreements: readonly Agreement[]): Promise<void> {
  const content: TrustFile = { schema: "workcell.trust/1", agreements: [...agreements] };
  await writeFileAtomic(trustFile(place), `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
}

/** Whether the person has agreed to exactly this content in exactly this folder. */
export async function readTrust(place: TrustPlace, what: Agreeable): Promise<"agreed" | "changed" | "never"> {
  const agreement = (await listAgreements(place)).find(isAbout(what));
  if (agreement === undefined) return "never";
  return agreement.sha256 === hashOf(what.bytes) ? "agreed" : "changed";
}

/** Records that the person has seen these bytes and agrees to them; an earlier agreement for the folder goes. */
export async function agreeTo(place: TrustPlace, what: Agreeable, now: Date): Promise<void> {
  const { folder, agent, bytes } = what;
  const isSame = isAbout(what);
  const others = (await listAgreements(place)).filter((one) => !isSame(one));
  const whose = agent === undefined ? {} : { agent };
  const agreement = { folder, ...whose, sha256: hashOf(bytes), agreed: now.toISOString() };
  await writeAgreements(place, [...others, agreement]);
}

/** Takes an agreement back; false when there was none. */
export async function revokeAgreement(place: TrustPlace, subject: Subject): Promise<boolean> {
  const agreements = await listAgreements(place);
  const isSame = isAbout(subject);
  const others = agreements.filter((one) => !isSame(one));
  if (others.length === agreements.length) return false;
  await writeAgreements(place, others);
  return true;
}
