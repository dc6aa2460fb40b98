import path from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that run long, the longest first. One that is missing here costs at most a run's end with idle workers. */
const longest: readonly string[] = [
  ...["start-faults", "tools-in-folders", "settings-cases", "agent-others", "review-commands-sessions"],
  ...["report", "agent-claude", "review-commands-space", "steps-forgotten", "run-review", "presets-in-cells"],
  ...["apply-full-disk", "run-review-sessions", "routes", "incidents", "start", "escape-resources"],
  ...["p11-dies-with-parent", "review-commands", "apply-bad-input", "run-review-without", "run-tunnel"],
  ...["session-exec", "run-network", "run-folders", "cellinit-exec", "review-commands-adversary", "copies"],
];

/** Where a run has no durations of an earlier one, as in a fresh clone, Vitest goes by the files' sizes alone. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.indexOf(path.basename(moduleId, ".test.ts"));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
