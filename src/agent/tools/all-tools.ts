import { bash } from "./bash.ts";
import { edit } from "./edit.ts";
import { glob } from "./glob.ts";
import { grep } from "./grep.ts";
import { read } from "./read.ts";
import { task } from "./task.ts";
import type { Tool } from "./tool.ts";
import { write } from "./write.ts";

/** The tools, in the reference's order. */
export const allTools: readonly Tool[] = [task, bash, glob, grep, read, edit, write];
