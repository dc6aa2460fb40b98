import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** The replies of a server that has one file; RETR is answered apart. */
const replies: Readonly<Record<string, string>> = {
  USER: "331 Any password",
  PASS: "230 Logged in",
  TYPE: "200 Binary",
  QUIT: "221 Goodbye",
};

interface FtpContext {
  readonly content: string;
  readonly data: Server;
  readonly onTransfer: () => void;
}

/** The client may connect to the data port before it asks for the file, or after. */
async function transfer(control: Socket, waiting: Promise<Socket>, { content, onTransfer }: FtpContext) {
  control.write("150 Here it comes\r\n");
  const data = await waiting;
  data.end(content);
  onTransfer();
  control.write("226 Done\r\n");
}

function serve(control: Socket, context: FtpContext): void {
  const port = (context.data.address() as AddressInfo).port;
  let waiting: Promise<Socket> | undefined;
  const answer = async (line: string): Promise<void> => {
    const command = line.split(" ")[0]?.toUpperCase() ?? "";
    if (command === "EPSV") {
      waiting = once(context.data, "connection").then(([socket]: Socket[]) => socket as Socket);
      control.write(`229 Entering Extended Passive Mode (|||${port}|)\r\n`);
    } else if (command === "RETR" && waiting) {
      await transfer(control, waiting, context);
    } else {
      control.write(`${replies[command] ?? "502 Not implemented"}\r\n`);
    }
    if (command === "QUIT") control.end();
  };
  let rest = "";
  control.setEncoding("latin1").on("data", (text: string) => {
    const lines = (rest + text).split("\r\n");
    rest = (lines.pop() ?? "").slice(-1024);
    for (const line of lines) void answer(line).catch(() => control.destroy());
  });
  control.on("error", () => {});
  control.write("220 Workcell's observer\r\n");
}

/** A real, tiny FTP server on the loopback: anonymous login, extended passive mode, one file. */
export async function startFtpServer(content: string, onTransfer: () => void) {
  const data = createServer().listen(0, "127.0.0.1");
  await once(data, "listening");
  data.on("connection", (socket) => socket.on("error", () => {}));
  const control = createServer((socket) => serve(socket, { content, data, onTransfer })).listen(
    0,
    "127.0.0.1",
  );
  await once(control, "listening");
  return { control, data };
}
