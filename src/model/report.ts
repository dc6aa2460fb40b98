export type RowStatus = "match" | "differs" | "host" | "not-applicable" | "unknown";

/** One row of the reference, as it was found. */
export interface ReportRow {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  readonly reference: string;
  readonly observed: string;
  readonly status: RowStatus;
  /** How it was observed. */
  readonly how: string;
}

export interface EnvironmentReport {
  readonly schema: "workcell.report/1";
  readonly profile: string;
  readonly tier: string;
  readonly tunnel: string;
  readonly rows: readonly ReportRow[];
}

/** One check of `workcell doctor`, made by trying. */
export interface DoctorCheck {
  readonly id: string;
  readonly title: string;
  readonly status: "ok" | "weaker" | "missing";
  readonly found: string;
  readonly needed: string;
  /** One imperative sentence; empty when nothing is to be done. */
  readonly remedy: string;
  /** What Workcell does without it. */
  readonly without: string;
}
