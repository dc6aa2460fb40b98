/** Where the column of times ends, and where the text of an act begins. */
const WIDTH = 92;
const ACT = 36;

/** @type {Record<string, string>} */
const colours = {
  ...{ ok: "32", applied: "32", refused: "33", hidden: "33" },
  ...{ waiting: "36", undone: "36", skipped: "36", agent: "36", FAIL: "31;1" },
};

/** What came out of a cell may hold anything, and must not steer the terminal. */
const controls = /[\u0000-\u001f\u007f-\u009f]/g;

/** @param {string} text */
const printable = (text) => text.replace(controls, "?");

/** @param {number} ms */
export function duration(ms) {
  const seconds = ms / 1000;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/**
 * One line with its time at the right edge; what took no time that can be said has none.
 * @param {string} text
 * @param {number} [ms]
 */
function timed(text, ms = 0) {
  if (ms < 50) return text;
  const time = duration(ms);
  return `${text.padEnd(WIDTH - time.length - 2)}  ${time}`;
}

/**
 * What the person sees. Escape codes only on a terminal that wants them.
 * @param {NodeJS.WriteStream} out
 * @param {NodeJS.ProcessEnv} env
 */
export function makePage(out, env) {
  const terminal = out.isTTY === true && env["TERM"] !== "dumb";
  const coloured = terminal && (env["NO_COLOR"] ?? "") === "";
  let waiting = false;
  const erase = () => {
    if (waiting) out.write("\r\x1b[2K");
    waiting = false;
  };
  const paint = (/** @type {string} */ word, /** @type {string} */ text) =>
    coloured && colours[word] ? `\x1b[${colours[word]}m${text}\x1b[0m` : text;
  return {
    /** A line that the next one replaces; only where lines can be replaced. @param {string} text */
    pending(text) {
      if (!terminal) return;
      erase();
      out.write(`${text} ...`);
      waiting = true;
    },
    /** @param {string} label @param {string} text @param {number} [ms] */
    step(label, text, ms) {
      erase();
      out.write(`${timed(`${label.padEnd(14)} ${text}`, ms)}\n`);
    },
    /** One act of the job. @param {import("../first-job/judge.mjs").Verdict} verdict */
    act({ word, act, text, more, ms }) {
      erase();
      const start = `  ${word.padEnd(8)} ${act}  `.padEnd(ACT);
      const line = timed(printable(start + text), ms);
      out.write(`${line.replace(word, paint(word, word))}\n`);
      for (const extra of more ?? []) out.write(`${" ".repeat(ACT)}${printable(extra)}\n`);
    },
    /** One of the closing lines, with where to read more. @param {string} label @param {string} text @param {string} [where] */
    tail(label, text, where = "") {
      erase();
      const start = `${label.padEnd(10)} ${text}`;
      out.write(`${where === "" ? start : `${start.padEnd(74)}  ${where}`}\n`);
    },
    /** @param {string} [text] */
    line(text = "") {
      erase();
      out.write(`${text}\n`);
    },
  };
}
