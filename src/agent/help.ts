export const helpText = `Usage: workcell-agent [FLAGS] ["TASK"]

Works on a task in the current folder with a model and seven tools: Task, Bash, Glob, Grep, Read, Edit, Write.
It is meant to run in a cell: workcell agent. Without a task it reads one from stdin, or takes one after another
from a terminal. Lines typed while it works steer it. Ctrl-C stops the turn, twice the agent.

  --model NAME              the model (claude-opus-4-5-20251101)
  --json                    what happens, as a line of JSON each
  -p, --print               the last answer alone; --output-format text, json or stream-json
  --stream-json             Claude Code's stream-json on stdin and stdout, for a host
  --acp                     the Agent Client Protocol on stdin and stdout, for an editor
  --allowedTools RULES      calls that need no asking: Bash, Edit, "Bash(npm test:*)", "Edit(src/**)"
  --disallowedTools RULES   calls that are refused
  --tools NAMES             the tools that exist
  --permission-mode MODE    default, acceptEdits, bypassPermissions, plan or dontAsk
  --max-turns N             answers of the model in one turn
  --max-budget-usd AMOUNT   US dollars at list prices that a session may cost
  --resume ID, --continue   goes on with a conversation, or with the newest
  --version

ANTHROPIC_BASE_URL names the endpoint, ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN the credential; in a cell that is a
placeholder, and the gate puts in the real one.

Exit codes: 0 done, 1 failed, 3 a call was refused because nobody could be asked, 130 interrupted.

Example: workcell-agent --allowedTools "Bash Edit Write" "Make the failing test pass"
`;
