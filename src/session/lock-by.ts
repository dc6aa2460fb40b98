import { spawn } from "node:child_process";

/** Takes an exclusive lock on an open file: it belongs to the open file, not to the program that asked for it. */
export function lockBy(cellhost: string): (fd: number) => Promise<void> {
  return (fd) =>
    new Promise((resolve, reject) => {
      const child = spawn(cellhost, ["lock", "3"], { stdio: ["ignore", "ignore", "inherit", fd] });
      child.once("error", reject);
      child.once("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`cellhost lock ended with ${code}`)),
      );
    });
}
