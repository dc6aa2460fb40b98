import { main } from "./main.ts";
import { warmGroups } from "./warm-groups.ts";

if (process.argv[2] === "run") warmGroups();
void main(process.argv.slice(2), import.meta.dirname).then((code) => {
  process.exitCode = code;
});
