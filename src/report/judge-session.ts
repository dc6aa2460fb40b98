import { drawEnvironment } from "./drawing.ts";
import type { AgentView, CellProcess, InsideView, Observations, OutsideView } from "./observations.ts";
import { fromBoth, fromInside, type Judge, notBuilt, required, type Verdict, whenSeen } from "./verdict.ts";

function processOf(inside: InsideView, pid: number): CellProcess | undefined {
  return inside.processes.find((one) => one.pid === pid);
}

const shown = (words: readonly string[]) => {
  const line = words.join(" ");
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
};

function judgeProcess(pid: number, comm: string, word?: RegExp): Judge {
  return fromInside((inside) => {
    const found = processOf(inside, pid);
    const how = `inside: /proc/${pid}/comm and cmdline`;
    if (found === undefined) return { status: "differs", observed: `there is no PID ${pid}`, how };
    const isNamed = found.comm === comm;
    const known = word === undefined || found.command.some((part) => word.test(part));
    return required(
      `\`${found.comm}\`${word || !isNamed ? `: ${shown(found.command)}` : ""}`,
      how,
      isNamed
        ? [{ holds: known, otherwise: "that is another command line" }]
        : [{ holds: false, otherwise: `it is no \`${comm}\`` }],
    );
  });
}

/** PID 5 is whatever command was given: an agent, and in another cell the observer, which says so itself. */
function judgeCommand(inside: InsideView, outside: OutsideView, agent: AgentView): Verdict {
  const found = processOf(inside, inside.pid);
  const { pid, innerPid } = outside.command;
  const { process } = agent;
  return required(
    `\`${process.name}\`, ${agent.title}, PID ${process.innerPid}; \`${found?.comm ?? "nothing"}\`, the command given: Workcell's observer, PID ${inside.pid}; PID ${pid} on the host`,
    "inside: the observer's own PID, its comm; host: the numbers of agent and observer in their own namespaces",
    [
      { holds: process.innerPid === 5, otherwise: `the agent has PID ${process.innerPid}, not 5` },
      { holds: inside.pid === 5, otherwise: `it has PID ${inside.pid}, not 5` },
      { holds: found !== undefined, otherwise: "it does not see itself" },
      { holds: innerPid === inside.pid, otherwise: `the host sees it as PID ${innerPid} of the cell` },
    ],
  );
}

const sessionName = /^[a-z]+-[a-z]+-[a-z]+$/;

function judgeSessions({ user, sessions }: InsideView, outside: OutsideView): Verdict {
  const name = user.home.replace("/sessions/", "");
  const uid = `uid ${user.uid} inside, ${outside.uid} on the host`;
  return required(
    `${name}: home ${user.home}, user \`${user.name}\` (${uid})`,
    "inside: HOME, the user database, ls /sessions; host: uid of the observer",
    [
      { holds: sessionName.test(name), otherwise: `"${name}" is no adjective-adjective-scientist` },
      { holds: user.home === `/sessions/${name}`, otherwise: `the home is ${user.home}` },
      { holds: sessions.join() === name, otherwise: `/sessions holds ${sessions.join(", ") || "nothing"}` },
      { holds: user.name === name, otherwise: `the user is ${user.name}` },
      {
        holds: user.uid !== 0 && user.uid !== outside.workcell.uid,
        otherwise: "it has the uid of Workcell's user",
      },
      { holds: outside.uid !== 0, otherwise: "it is uid 0 on the host" },
    ],
  );
}

/** Processes, agent, and what stands around it. */
export const sessionJudges: Readonly<Record<string, Judge>> = {
  "proc.1": judgeProcess(1, "bwrap"),
  "proc.2": judgeProcess(2, "bash"),
  "proc.3": judgeProcess(3, "socat", /^TCP4?-LISTEN:3128(,|$)/),
  "proc.4": judgeProcess(4, "socat", /^TCP4?-LISTEN:1080(,|$)/),
  "proc.5": (observations) =>
    whenSeen(observations.agent, (agent) =>
      fromBoth((inside, outside) => judgeCommand(inside, outside, agent))(observations),
    ),
  "agent.mcp.browser": notBuilt("MCP server on the host's side"),
  "agent.mcp.cloudflare": notBuilt("MCP server on the host's side"),
  "life.sessions": fromBoth(judgeSessions),
  "life.report": fromInside((inside) =>
    required(
      `${Object.keys(inside).length - 1} areas and ${Object.keys(inside.attempts).length} attempts, reported by PID ${inside.pid} of the cell`,
      "inside: what the observer wrote to its standard output is what this report is made of",
      [{ holds: Object.keys(inside.attempts).length > 0, otherwise: "the observer tried nothing" }],
    ),
  ),
  "life.drawing": (observations) => fromBoth(() => judgeDrawing(observations))(observations),
};

function judgeDrawing(observations: Observations): Verdict {
  const { missing } = drawEnvironment(observations);
  return required(
    missing.length === 0 ? "drawn from what was observed" : "drawn in part",
    "this report: every part of the drawing was observed",
    [{ holds: missing.length === 0, otherwise: `not observed: ${missing.join(", ")}` }],
  );
}
