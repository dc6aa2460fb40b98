import path from "node:path";
import { realPlace } from "../../lib/real-place.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import type { BytePath } from "../../model/index.ts";
import { isSession } from "../../session/index.ts";
import type { CommandContext } from "../command.ts";

/** What the words after `diff`, `apply`, `discard` and `undo` name. */
export interface Words {
  readonly name?: string;
  readonly paths: readonly string[];
}

export const stateOf = ({ env, home }: Pick<CommandContext, "env" | "home">): string =>
  realPlace(stateFolder(env, home));

/** The first word is a session if there is one of that name; everything else are paths. */
export function readWords(words: readonly string[], context: CommandContext): Words {
  const [first, ...rest] = words;
  if (first === undefined || !isSession(stateOf(context), first)) return { paths: words };
  return { name: first, paths: rest };
}

/**
 * A path as the person writes it, below a connected folder: absolute or from where they are, when that is in the folder;
 * else from the folder itself. Undefined when it is outside.
 */
export function bytePathIn(word: string, folder: string, cwd: string): BytePath | undefined {
  const here = path.resolve(cwd, word);
  const isInside = here === folder || here.startsWith(`${folder}/`);
  if (!isInside && path.isAbsolute(word)) return undefined;
  const whole = isInside ? here : path.resolve(folder, word);
  if (whole !== folder && !whole.startsWith(`${folder}/`)) return undefined;
  return Buffer.from(whole.slice(folder.length + 1)).toString("latin1");
}

/** Those of the paths that lie in a folder. */
export const pathsIn = (words: readonly string[], folder: string, cwd: string): readonly BytePath[] =>
  words.flatMap((word) => bytePathIn(word, folder, cwd) ?? []);
