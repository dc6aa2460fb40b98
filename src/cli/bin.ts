import process from "node:process";
import { main } from "./main.ts";

void main(process.argv.slice(2), import.meta.dirname).then((code) => {
  // Whatever is still open (a child that has just ended, a record that is being taken away) is waited for by nobody.
  process.exit(code);
});
