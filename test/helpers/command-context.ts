import { Readable, Writable } from "node:stream";
import type { Command, CommandContext } from "../../src/cli/command.ts";
import { parseFlags } from "../../src/cli/parse-flags.ts";

interface World {
  readonly cwd: string;
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the person types when something is asked; the streams are a terminal then. */
  readonly typed?: string;
  /** The folder with `native/cellhost`; without one, nothing can be locked. */
  readonly installation?: string;
  /** Standard output goes into a pipe, whoever types. */
  readonly piped?: boolean;
}

function collector(isTTY: boolean, onWrite: () => void = () => {}) {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      onWrite();
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => chunks.join("") };
}

/** Runs a command in a world of the test's own, and gives back what a person would see. */
export async function runCommand(command: Command, argv: readonly string[], world: World) {
  const terminal = world.typed !== undefined;
  const stdin = Object.assign(new Readable({ read() {} }), { isTTY: terminal });
  const answer = () => {
    if (world.typed) stdin.push(world.typed);
    stdin.push(null);
  };
  if (!terminal) answer();
  const [stdout, stderr] = [collector(terminal && !world.piped), collector(terminal, answer)];
  const context: CommandContext = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdin,
    env: world.env ?? {},
    cwd: world.cwd,
    home: world.home,
    installation: world.installation ?? "/nonexistent",
  };
  const { flags, words } = parseFlags(command, argv);
  const exitCode = await command.run(flags, words, context);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}
