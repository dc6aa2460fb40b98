import type { ScriptedAnswer, ScriptedTask, Seen } from "../../src/agent/index.ts";

/** What the person says. */
export const everydayTask =
  "Sort these papers by kind, put each one's date before its name, and make a table of what they cost";

/** Papers as they come together: of several kinds and forms, each with its date in its own way. */
export const papers: Readonly<Record<string, string>> = {
  "scan_0007.txt":
    "INVOICE no. 1183\nHollis & Daughters, Joinery\nDate: 14 March 2026\n\nTwo shelves, oak\nTotal: 412.50 EUR\n",
  "scan_0012.txt":
    "INVOICE no. 77-A\nBright Windows\nDate: 2 April 2026\n\nCleaning, ground floor\nTotal: 96.00 EUR\n",
  "Re: Re: lease.eml":
    "From: office@lindenhof.example\nDate: Fri, 27 Feb 2026 09:12:44 +0100\nSubject: Re: Re: lease\n\nDear Ms Okafor,\nthe lease goes on until the end of 2027, as we agreed.\n",
  "train.html":
    '<html><body><h1>Your booking</h1><p class="date">2026-05-19</p><p>Return ticket, second class</p><p class="price">58.90 EUR</p></body></html>\n',
  "hotel booking.html":
    '<html><body><h1>Your booking</h1><p class="date">2026-05-20</p><p>One night, breakfast</p><p class="price">121.00 EUR</p></body></html>\n',
  "letter to aunt.md":
    "# Dear Ines,\n\n*Porto, 8 January 2026*\n\nthank you for the book. I am half way through it.\n",
};

interface Paper {
  readonly name: string;
  readonly kind: "invoices" | "bookings" | "letters";
  readonly date: string;
  readonly cents: number | undefined;
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec";

function dateIn(text: string): string {
  const [iso] = /\d{4}-\d\d-\d\d/.exec(text) ?? [];
  if (iso !== undefined) return iso;
  const [, day = "", month = "", year = ""] = /(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})/.exec(text) ?? [];
  return `${year}-${`${months.indexOf(month) / 3 + 1}`.padStart(2, "0")}-${day.padStart(2, "0")}`;
}

/** What a paper is, from what a tool said that it holds. */
function paperOf(name: string, { text }: Seen): Paper {
  const kind = /INVOICE/.test(text) ? "invoices" : /booking/.test(text) ? "bookings" : "letters";
  const [, whole, part] = /(\d+)\.(\d\d) EUR/.exec(text) ?? [];
  const cents = whole === undefined ? undefined : Number(`${whole}${part}`);
  return { name, kind, date: dateIn(text), cents };
}

const money = (cents: number) => `${Math.floor(cents / 100)}.${`${cents % 100}`.padStart(2, "0")}`;
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
const newName = ({ kind, date, name }: Paper) => `${kind}/${date} ${name.replace(/^(Re: )+/, "")}`;

function tableOf(all: readonly Paper[]): string {
  const rows = [...all]
    .sort((one, other) => one.date.localeCompare(other.date))
    .map(
      (paper) =>
        `| ${paper.date} | ${newName(paper)} | ${paper.cents === undefined ? "" : money(paper.cents)} |`,
    );
  const total = all.reduce((sum, { cents = 0 }) => sum + cents, 0);
  return [
    "| date | paper | EUR |",
    "| --- | --- | ---: |",
    ...rows,
    `| | **together** | **${money(total)}** |`,
    "",
  ].join("\n");
}

/** Plays the task: whatever it does with a paper, it has from what a tool told of it. */
export function everydayScript(): ScriptedTask {
  let names: readonly string[] = [];
  let all: readonly Paper[] = [];
  const steps: readonly ((results: readonly Seen[], folder: string) => ScriptedAnswer)[] = [
    (_, folder) => ({
      text: "I look at what is here.",
      calls: [{ name: "Glob", input: { pattern: "*", path: folder } }],
    }),
    ([found], folder) => {
      names = (found?.text ?? "")
        .split("\n")
        .map((line) => line.replace(/^.*\//, ""))
        .sort();
      const calls = names.map((name) => ({
        name: "Read" as const,
        input: { file_path: `${folder}/${name}` },
      }));
      return { text: `${names.length} papers. I read each of them.`, calls };
    },
    (read) => {
      all = read.flatMap((seen, at) => (seen.isError ? [] : [paperOf(names[at] ?? "", seen)]));
      const kinds = [...new Set(all.map(({ kind }) => kind))].sort();
      const moves = all.map((paper) => `mv -n ${quoted(paper.name)} ${quoted(newName(paper))}`);
      const count = kinds
        .map((kind) => `${all.filter((one) => one.kind === kind).length} ${kind}`)
        .join(", ");
      return {
        text: `I sort them: ${count}. Each is called by its date first.`,
        calls: [
          {
            name: "Bash",
            input: {
              command: [`mkdir ${kinds.join(" ")}`, ...moves].join(" && "),
              description: "Sort and rename",
            },
          },
        ],
      };
    },
    ([moved], folder) =>
      moved?.isError === false
        ? {
            text: "Now the table of what they cost.",
            calls: [{ name: "Write", input: { file_path: `${folder}/costs.md`, content: tableOf(all) } }],
          }
        : { text: "The papers could not be moved, so I stop here." },
    (_, folder) => ({
      text: "I make sure that nothing was lost.",
      calls: [{ name: "Glob", input: { pattern: "**/*", path: folder } }],
    }),
    ([left]) => {
      const count = (left?.text ?? "").split("\n").filter((line) => !line.endsWith("costs.md")).length;
      const word =
        count === names.length ? "None was lost." : `There were ${names.length}, and there are ${count}.`;
      return {
        text: `Done: ${all.length} papers sorted by kind and named by date; costs.md adds them up. ${word}`,
      };
    },
  ];
  return ({ step, results }, folder) => steps[step]?.(results, folder) ?? { text: "That is all." };
}
