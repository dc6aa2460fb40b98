import { randomInt } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** A receipt, with an amount that nobody can know who has not read it. */
interface Receipt {
  readonly name: string;
  readonly month: string;
  readonly cents: number;
}

/** Everyday work on a folder of receipts, and what must come of it. */
export interface Receipts {
  /** The files by name, as the person has them. */
  readonly before: Readonly<Record<string, string>>;
  /** The same when they are in order. */
  readonly after: Readonly<Record<string, string>>;
}

const months = ["2026-01", "2026-02", "2026-03"];
export const money = (cents: number): string => (cents / 100).toFixed(2);

const textOf = ({ month, cents }: Receipt) => `Date: ${month}-09\nAmount: ${money(cents)}\n`;

/** What the summary says: lines of the amounts as they were found, their sum, the dearest. */
export function summaryOf(receipts: readonly Pick<Receipt, "name" | "cents">[], dearest: string): string {
  const sorted = [...receipts].sort((one, other) => (one.name < other.name ? -1 : 1));
  const rows = sorted.map(({ name, cents }) => `| ${name} | ${money(cents)} |`);
  const total = receipts.reduce((sum, { cents }) => sum + cents, 0);
  return `| receipt | amount |\n|---|---|\n${rows.join("\n")}\n\nTotal: ${money(total)}\nThe dearest: ${dearest}\n`;
}

/** Makes up receipts of three months, a file each. */
export function makeReceipts(): Receipts {
  const receipts = months.map((month, index) => ({
    ...{ name: `receipt-${index + 1}.txt`, month },
    cents: (index + 1) * 10_000 + randomInt(9999),
  }));
  const [dearest] = [...receipts].sort((one, other) => other.cents - one.cents);
  const files = receipts.map((receipt) => [receipt.name, textOf(receipt)]);
  const sorted = receipts.map((receipt) => [`${receipt.month}/${receipt.name}`, textOf(receipt)]);
  return {
    before: { "list.md": "# Receipts\n\nTo be put in order.\n", ...Object.fromEntries(files) },
    after: {
      ...Object.fromEntries(sorted),
      "list.md": `# Receipts\n\nIn order: ${receipts.length}.\n`,
      "summary.md": summaryOf(receipts, dearest?.name ?? ""),
    },
  };
}

/** Writes files into a folder. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
}

/** Every plain file below a folder by its name. */
export function readFiles(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
  return Object.fromEntries(
    files.sort().map((file) => [path.relative(folder, file), readFileSync(file, "utf8")]),
  );
}
