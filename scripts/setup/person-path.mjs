import path from "node:path";

/** What `npm run` puts in front of PATH: the checkout's programs, those of the folders above it, and its own. */
const ofNpm = /\/(node_modules\/\.bin|node-gyp-bin)$/;

/**
 * PATH as the person has it. Workcell asks the tools that it finds there, and keeps their answers for as long as PATH
 * names the same folders: a start by npm then knows what a start by hand has asked.
 * @param {NodeJS.ProcessEnv} env
 */
export function personPath({ PATH: given = "", npm_lifecycle_event: byNpm }) {
  const folders = given.split(path.delimiter);
  const own = byNpm === undefined ? 0 : folders.findIndex((folder) => !ofNpm.test(folder));
  return folders.slice(Math.max(own, 0)).join(path.delimiter);
}
