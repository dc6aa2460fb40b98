/** A reason to end before anything is started. The person reads the lines; Workcell's own exit code for it is 125. */
export class Stop extends Error {
  /** @type {readonly string[]} */
  lines;
  exitCode = 125;

  /** @param {...string} lines */
  constructor(...lines) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

/**
 * Runs the script's main function, prints why it stopped, and sets the exit code.
 * @param {() => Promise<number>} main
 */
export async function ending(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`${error.lines.join("\n")}\n`);
    process.exitCode = error.exitCode;
  }
}
