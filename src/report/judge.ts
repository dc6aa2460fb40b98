import type { EnvironmentReport, ReportRow } from "../model/index.ts";
import { agentJudges } from "./judge-agent.ts";
import { boxJudges } from "./judge-box.ts";
import { limitJudges } from "./judge-limits.ts";
import { machineJudges } from "./judge-machine.ts";
import { networkJudges } from "./judge-network.ts";
import { securityJudges } from "./judge-security.ts";
import { sessionJudges } from "./judge-session.ts";
import type { Observations } from "./observations.ts";
import { referenceRows } from "./reference.ts";
import { type Judge, unknown } from "./verdict.ts";

const judges: Readonly<Record<string, Judge>> = {
  ...machineJudges,
  ...limitJudges,
  ...boxJudges,
  ...securityJudges,
  ...networkJudges,
  ...sessionJudges,
  ...agentJudges,
};

/** Every row of the reference once, in its order, with what was observed. */
export function judgeRows(observations: Observations): ReportRow[] {
  return referenceRows.map((row) => {
    const judge = judges[row.id] ?? (() => unknown("not built yet: no judge for this row"));
    return { ...row, ...judge(observations) };
  });
}

/** The environment report: what it is of, and its rows. */
export function judgeEnvironment(observations: Observations): EnvironmentReport {
  const { profile, tier, tunnel } = observations;
  return { schema: "workcell.report/1", profile, tier, tunnel, rows: judgeRows(observations) };
}

const isNotBuilt = (row: ReportRow) => row.status === "unknown" && row.observed.startsWith("not built yet:");

/** `31 match · 0 differ · 5 host · 2 not applicable · 2 not built`, and what could not be observed, if any. */
export function summarizeRows(rows: readonly ReportRow[]): string {
  const count = (holds: (row: ReportRow) => boolean) => rows.filter(holds).length;
  const unobserved = count((row) => row.status === "unknown" && !isNotBuilt(row));
  return [
    `${count(({ status }) => status === "match")} match`,
    `${count(({ status }) => status === "differs")} differ`,
    `${count(({ status }) => status === "host")} host`,
    `${count(({ status }) => status === "not-applicable")} not applicable`,
    `${count(isNotBuilt)} not built`,
    ...(unobserved > 0 ? [`${unobserved} not observed`] : []),
  ].join(" · ");
}
