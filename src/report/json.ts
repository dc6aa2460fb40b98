import type { EnvironmentReport } from "../model/index.ts";

/** The report as JSON, for programs. */
export function renderReportJson({ schema, profile, tier, tunnel, rows }: EnvironmentReport): string {
  const plain = rows.map(({ id, area, title, reference, observed, status, how }) => {
    return { id, area, title, reference, observed, status, how };
  });
  return `${JSON.stringify({ schema, profile, tier, tunnel, rows: plain }, null, 2)}\n`;
}
