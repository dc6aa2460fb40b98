import net from "node:net";
import path from "node:path";
import type { Check, Examination, Finding } from "./examination.ts";
import { installRemedy } from "./install-remedy.ts";
import { withFolder } from "./lent-folder.ts";

/** A UNIX socket that answers with what it is sent. */
function listenEcho(socket: string): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((connection) => {
      connection.on("error", () => {});
      connection.pipe(connection);
    });
    server.once("error", reject);
    server.listen(socket, () => resolve(server));
  });
}

async function carry(examination: Examination, socat: string): Promise<string> {
  return withFolder(async (folder) => {
    const socket = path.join(folder, "echo.sock");
    const server = await listenEcho(socket);
    try {
      const result = await examination.run(socat, ["-", `UNIX-CONNECT:${socket}`], { input: "x" });
      return result.stdout === "x" ? "" : (result.failure ?? result.stderr.trim());
    } finally {
      server.close();
    }
  });
}

async function examine(examination: Examination): Promise<Finding> {
  const socat = examination.find("socat");
  const remedy = installRemedy(examination, "socat");
  if (socat === undefined) return { status: "missing", found: "socat: not on PATH", remedy };
  const [version, failure] = await Promise.all([examination.run(socat, ["-V"]), carry(examination, socat)]);
  const number = /socat version (\S+)/.exec(version.stdout)?.[1] ?? "of unknown version";
  return failure === ""
    ? { status: "ok", found: `socat ${number} carries a byte over a UNIX socket` }
    : { status: "missing", found: `socat ${number} carries nothing over a UNIX socket: ${failure}`, remedy };
}

/** socat: one byte is carried to a UNIX socket and back. */
export const checkSocat: Check = {
  id: "socat",
  title: "socat",
  needed: "socat, able to connect to a UNIX socket",
  without: "No cell with the socat tunnel starts: it would have no way to the gate",
  examine,
};
