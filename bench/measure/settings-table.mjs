/** @typedef {{ group: number, id: string, title: string, theirs: string, ours: string, required: string }} SettingsRow */

/**
 * How many answers are the required ones, in each group and in all.
 * @param {readonly SettingsRow[]} rows
 */
export function settingsTotals(rows) {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const sum = (/** @type {string} */ title, /** @type {readonly SettingsRow[]} */ of) => ({
    title,
    cases: of.length,
    theirs: of.filter(({ theirs, required }) => theirs === required).length,
    ours: of.filter(({ ours, required }) => ours === required).length,
  });
  return [
    ...groups.map((group) =>
      sum(
        `group ${group}`,
        rows.filter((row) => row.group === group),
      ),
    ),
    sum("all", rows),
  ];
}
