import type { ScriptedAnswer, ScriptedTask, Seen, View } from "../agent/index.ts";
import { summaryOf } from "./receipts.ts";

/** What the person says. */
export const everydayTask = "Put the receipts in this folder in order, by month, and write a summary of them";

const part = "Part of the work: say which receipt is the dearest";

/** A found line: `…/receipt-1.txt:2:Amount: 12.34`. */
const amount = /(receipt-\d+\.txt)[:-].*?Amount: (\d+)\.(\d\d)/;

function amountsIn(seen: Seen | undefined) {
  return (seen?.text ?? "").split("\n").flatMap((line) => {
    const [, name, whole, rest] = amount.exec(line) ?? [];
    return name === undefined ? [] : [{ name, cents: Number(`${whole}${rest}`) }];
  });
}

const grep = (folder: string) => ({
  name: "Grep" as const,
  input: { pattern: "^Amount:", path: folder, output_mode: "content" },
});

/** The script of a model that does the everyday task: every number that it writes it has from a tool's result. */
export function everydayScript(): ScriptedTask {
  let amounts: ReturnType<typeof amountsIn> = [];
  let dearest = "";
  const steps: readonly ((view: View, folder: string) => ScriptedAnswer)[] = [
    (_, folder) => ({
      text: "I look at what is here.",
      calls: [
        { name: "Glob", input: { pattern: "*.txt", path: folder } },
        { name: "Read", input: { file_path: `${folder}/list.md` } },
      ],
    }),
    (_, folder) => ({
      text: "I look for the amounts, and let a sub-agent compare them.",
      calls: [
        grep(folder),
        { name: "Task", input: { description: "Compare amounts", prompt: part, subagent_type: "Explore" } },
      ],
    }),
    ({ results: [found, told] }) => {
      amounts = amountsIn(found);
      dearest = /receipt-\d+\.txt/.exec(told?.text ?? "")?.[0] ?? "";
      const command =
        "for f in receipt-*.txt; do m=$(sed -n 's/^Date: \\(....-..\\).*/\\1/p' $f); mkdir -p $m && mv $f $m/; done";
      return { text: "I move each to its month.", calls: [{ name: "Bash", input: { command } }] };
    },
    (_, folder) => ({
      text: "I write the summary, and note in the list that it is done.",
      calls: [
        { name: "Write", input: { file_path: `${folder}/summary.md`, content: summaryOf(amounts, dearest) } },
        {
          name: "Edit",
          input: {
            file_path: `${folder}/list.md`,
            old_string: "To be put in order.",
            new_string: `In order: ${amounts.length}.`,
          },
        },
      ],
    }),
  ];
  return (view, folder) => {
    if (view.task.startsWith(part)) return compare(view, folder);
    return steps[view.step]?.(view, folder) ?? { text: "The receipts are in order." };
  };
}

/** The sub-agent's part. */
function compare({ step, results: [found] }: View, folder: string): ScriptedAnswer {
  if (step === 0) return { text: "I look for the amounts.", calls: [grep(folder)] };
  const [first] = amountsIn(found).sort((one, other) => other.cents - one.cents);
  return { text: `The dearest is ${first?.name ?? "not to be found"}.` };
}
