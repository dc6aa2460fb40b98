/**
 * What a settings file of sandbox-runtime's must mean, as cases that know no implementation: files, settings, a command,
 * and one word for what came of it. Nothing here is taken from that program's own tests.
 *
 * @typedef {object} Result
 * @property {number | null} code
 * @property {string} stdout
 * @property {string} stderr
 *
 * @typedef {object} World where a case happens; fresh for each
 * @property {string} folder
 * @property {string} work the working directory
 * @property {string} home
 * @property {number} port of a server on this machine's loopback that answers every request with "served"
 * @property {(name: string) => string | undefined} read a file below `folder`, as the host has it
 *
 * @typedef {object} Case
 * @property {string} id
 * @property {string} title
 * @property {Readonly<Record<string, string>>} [files] below `folder`, with their content; a name that ends in / is a folder
 * @property {(world: World) => void} [prepare] what files cannot say
 * @property {(world: World) => unknown} [settings] absent: the working directory may be written to, nothing may be reached
 * @property {string} [text] the settings file's text, in place of `settings`; "" is an empty file
 * @property {"missing"} [file] "missing": there is no such file
 * @property {string} [script] for `bash -c`
 * @property {readonly string[]} [words] in place of a script: the command word by word
 * @property {string} [input]
 * @property {"kill" | "two" | "live"} [how] killed while it runs; two at once in one folder; new settings while it runs
 * @property {(result: Result, world: World) => string} answer in one or two words
 * @property {string} required the answer that is right
 */

/** @typedef {{ readonly group: number, readonly title: string, readonly cases: readonly Case[] }} Group */

import { cliCases } from "./settings-cases-cli.mjs";
import { fileCases } from "./settings-cases-files.mjs";
import { kernelCases } from "./settings-cases-kernel.mjs";
import { networkCases } from "./settings-cases-network.mjs";
import { stateCases } from "./settings-cases-state.mjs";

/** @type {readonly Group[]} */
export const settingsGroups = [
  { group: 1, title: "command line", cases: cliCases },
  { group: 2, title: "reads", cases: fileCases.reads },
  { group: 3, title: "writes", cases: fileCases.writes },
  { group: 4, title: "network", cases: networkCases },
  { group: 5, title: "kernel", cases: kernelCases },
  { group: 6, title: "changes while it runs", cases: stateCases.live },
  { group: 7, title: "environment", cases: stateCases.environment },
  { group: 8, title: "what is left", cases: stateCases.after },
];
