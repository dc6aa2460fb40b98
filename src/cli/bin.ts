import { main } from "./main.ts";

void main(process.argv.slice(2), import.meta.dirname).then((code) => {
  process.exitCode = code;
});
