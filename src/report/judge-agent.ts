import type { AgentView, Observations } from "./observations.ts";
import { type Judge, type Requirement, required, type Verdict, whenSeen } from "./verdict.ts";

const MODEL = "claude-opus-4-5-20251101";
const TOOLS = ["Task", "Bash", "Glob", "Grep", "Read", "Edit", "Write"];

const fromAgent =
  (judge: (agent: AgentView) => Verdict): Judge =>
  ({ agent }: Observations) =>
    whenSeen(agent, judge);

const listed = (names: readonly string[]) => [...new Set(names)].join(", ") || "nothing";

/** The agent's work: what offers no tool is a small question aside, a title for example, and a sub-agent may have its own model. */
const ownOf = ({ requests }: AgentView) =>
  requests.filter(({ tools, bySubAgent }) => tools.length > 0 && !bySubAgent);

/** The name that Claude Code's newer line has for the same tool. */
const laterNames: Readonly<Record<string, string>> = { Agent: "Task" };
const nameOf = (tool: string) => laterNames[tool] ?? tool;

/** Without requests there is nothing to be judged; and they must have come by the one way out. */
function cameThrough({ requests, decisions, ending }: AgentView): Requirement[] {
  const through = decisions.filter(({ decision, bytesUp = 0 }) => decision === "allow" && bytesUp > 0);
  return [
    { holds: requests.length > 0, otherwise: `no request arrived${ending && ` (${ending})`}` },
    { holds: through.length > 0, otherwise: "the gate saw none of them" },
  ];
}

function judgeModel(agent: AgentView): Verdict {
  const asked = ownOf(agent).map(({ model }) => model);
  const others = agent.requests.map(({ model }) => model).filter((model) => !asked.includes(model));
  const aside = others.length === 0 ? "" : ` (a part was asked of \`${listed(others)}\`)`;
  return required(
    `\`${listed(asked)}\` in ${asked.length} ${asked.length === 1 ? "request" : "requests"}${aside}; \`${listed(agent.answeredBy)}\` answered, Workcell's own script and no AI`,
    "host: the model named in every request of the agent's own work that arrived; inside: what the agent says that answered",
    [
      ...cameThrough(agent),
      { holds: asked.every((model) => model === MODEL), otherwise: `${MODEL} is required` },
    ],
  );
}

function judgeTools(agent: AgentView): Verdict {
  const own = ownOf(agent);
  const offered = agent.requests.flatMap(({ tools }) => tools.map(nameOf));
  const missing = TOOLS.filter((name) => !own.every(({ tools }) => tools.map(nameOf).includes(name)));
  const others = [...new Set(offered.filter((name) => !TOOLS.includes(name)))];
  return required(
    listed(own.flatMap(({ tools }) => tools)),
    "host: the tools offered in every request that arrived; a sub-agent's may be fewer",
    [
      ...cameThrough(agent),
      { holds: missing.length === 0, otherwise: `${missing.join(", ")} not offered` },
      { holds: others.length === 0, otherwise: `${others.join(", ")} offered as well` },
    ],
  );
}

/** Files that are not as the task would have them. */
function wrongFiles({ work: { found, expected } }: AgentView): readonly string[] {
  const names = new Set([...Object.keys(found), ...Object.keys(expected)]);
  return [...names].filter((name) => found[name] !== expected[name]);
}

function judgeTask(agent: AgentView): Verdict {
  const { calls, work, ending } = agent;
  const made = calls.filter(({ failed }) => !failed).map(({ name }) => nameOf(name));
  const unused = TOOLS.filter((name) => !made.includes(name));
  const wrong = wrongFiles(agent);
  const bySubAgent = calls.some((call) => call.bySubAgent && !call.failed);
  return required(
    `"${work.task}": ${calls.length} calls of ${new Set(made).size} tools; the folder stayed as it was until the changes were applied, and then ${Object.keys(work.expected).length} files were as they should be`,
    "a fresh cell with a folder of receipts in review, amounts drawn at random: every file of it before the work, after it and when " +
      "applied, held against what the host itself worked out; inside: the agent's calls and what came of them",
    [
      { holds: ending === "", otherwise: ending },
      { holds: unused.length === 0, otherwise: `nothing came of ${unused.join(", ")}` },
      { holds: bySubAgent, otherwise: "no sub-agent did a part" },
      { holds: work.untouched, otherwise: "the folder had changed before that" },
      { holds: wrong.length === 0, otherwise: `${wrong.slice(0, 3).join(", ")} not as it should be` },
    ],
  );
}

/** The agent, and what it is for. */
export const agentJudges: Readonly<Record<string, Judge>> = {
  "agent.model": fromAgent(judgeModel),
  "agent.tools": fromAgent(judgeTools),
  "life.task": fromAgent(judgeTask),
};
