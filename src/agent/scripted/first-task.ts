import type { ScriptedAnswer, ScriptedTask } from "./script.ts";
import type { Seen, View } from "./transcript-view.ts";

const part =
  "Part of a scripted task: find who calls total() in the sources, and say what they expect of it.";
const wrong = "  return sum - discountPercent;";
const right = "  return Math.round(sum * (1 - discountPercent / 100));";
const label =
  "This is Workcell's scripted model, not an AI: it plays one fixed task, and what you see of files, tests and tools is real.";

const passes = ({ text, isError }: Seen) => !isError && /# fail 0\b|ℹ fail 0\b/.test(text);

/** Plays examples/first-task: makes the failing test pass, and looks at what came of every call. */
export const firstTask: ScriptedTask = (view, folder) => {
  if (view.task.startsWith(part)) return findCallers(view, folder);
  const step = steps[view.step];
  const answer = step === undefined ? { text: "That is all that the script has." } : step(view, folder);
  const heard =
    view.heard === undefined
      ? ""
      : `You say "${view.heard.slice(0, 200)}". A script cannot follow that; it goes on as written.\n`;
  return { ...answer, text: heard + answer.text };
};

const steps: readonly ScriptedTask[] = [begin, runTests, lookCloser, change, check, sumUp, farewell];

function begin(_: View, folder: string): ScriptedAnswer {
  return {
    text: `${label}\nFirst I look at what is here.`,
    calls: [
      { name: "Glob", input: { pattern: "**/*", path: folder } },
      { name: "Read", input: { file_path: `${folder}/README.md` } },
    ],
  };
}

function runTests({ results }: View): ScriptedAnswer {
  const [files] = results;
  if (files === undefined || !/(^|\/)src\/total\.js$/m.test(files.text))
    return {
      text: "The files of the example, examples/first-task, are not here, and the script knows no other task. Start it in a copy of that folder.",
    };
  const count = files.text.split("\n").length;
  return {
    text: `${count} files. The README says that a test fails; I run the tests.`,
    calls: [{ name: "Bash", input: { command: "node --test", description: "Run the tests" } }],
  };
}

function lookCloser({ results: [tests] }: View, folder: string): ScriptedAnswer {
  if (tests !== undefined && passes(tests))
    return {
      text: "All tests pass already: there is nothing to repair. Undo the last change to see the task again.",
    };
  if (tests === undefined || !/total|discount/.test(tests.text))
    return {
      text: `The tests could not be run, and the script ends here. The last line was: ${lastLine(tests)}`,
    };
  return {
    text: "The test of the discount fails. I look where it is worked out, and let a sub-agent find out who relies on it.",
    calls: [
      {
        name: "Grep",
        input: { pattern: "discountPercent", path: folder, output_mode: "content", glob: "*.js" },
      },
      { name: "Read", input: { file_path: `${folder}/src/total.js` } },
      {
        name: "Task",
        input: {
          description: "Find callers of total",
          prompt: `${part} The sources are in ${folder}/src.`,
          subagent_type: "Explore",
        },
      },
    ],
  };
}

function change({ results: [, source, callers] }: View, folder: string): ScriptedAnswer {
  if (source === undefined || !source.text.includes(wrong.trim()))
    return { text: "src/total.js does not read as the script expects it, so it changes nothing." };
  const told =
    callers === undefined || callers.isError
      ? "The sub-agent did not answer."
      : `The sub-agent says: ${callers.text}`;
  return {
    text: `The discount is in percent, and is taken off as if it were cents. ${told}\nI correct that one line.`,
    calls: [
      { name: "Edit", input: { file_path: `${folder}/src/total.js`, old_string: wrong, new_string: right } },
    ],
  };
}

function check({ results: [edit] }: View): ScriptedAnswer {
  if (edit === undefined || edit.isError) return { text: `The file could not be changed: ${lastLine(edit)}` };
  return {
    text: "I run the tests again, and the report over the real orders.",
    calls: [
      {
        name: "Bash",
        input: { command: "node --test && node src/report.js", description: "Test, and add up the orders" },
      },
    ],
  };
}

function sumUp({ results: [tests] }: View, folder: string): ScriptedAnswer {
  if (tests === undefined || tests.isError || !/# fail 0\b|ℹ fail 0\b/.test(tests.text))
    return { text: `The tests still fail, so the task is not done. The last line was: ${lastLine(tests)}` };
  const orders = tests.text.split("\n").filter((line) => /^\w+: \d+\.\d\d$/.test(line));
  const content = `# What was changed\n\n\`src/total.js\`: the discount is taken off in percent, and rounded to whole cents.\n\nThe orders now cost:\n\n${orders.map((line) => `- ${line}`).join("\n")}\n`;
  return {
    text: "All tests pass. I write down what was changed.",
    calls: [{ name: "Write", input: { file_path: `${folder}/CHANGES.md`, content } }],
  };
}

function farewell({ results: [written] }: View): ScriptedAnswer {
  const note =
    written === undefined || written.isError
      ? `CHANGES.md could not be written: ${lastLine(written)}`
      : "CHANGES.md says so too.";
  return {
    text: `Done: the failing test passes. One line of src/total.js was wrong; the discount was taken off in cents. ${note}`,
  };
}

/** The sub-agent's part. */
function findCallers({ step, results: [found], task }: View, folder: string): ScriptedAnswer {
  if (step === 0) {
    const where = /The sources are in (.+)\.$/.exec(task)?.[1] ?? folder;
    return {
      text: "I search for its callers.",
      calls: [{ name: "Grep", input: { pattern: "total\\(", path: where, output_mode: "content" } }],
    };
  }
  const lines = (found?.text ?? "")
    .split("\n")
    .filter((line) => line.includes("total(") && !line.includes("export"));
  return { text: `${lines.length} caller: ${lines.join("; ").trim()}. It expects cents, as a number.` };
}

const lastLine = (seen: Seen | undefined) =>
  (seen?.text ?? "nothing").trim().split("\n").at(-1)?.slice(0, 300) ?? "";
