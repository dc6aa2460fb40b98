import { expect, test } from "vitest";
import { cellFilters, describeFilters, filterOptions } from "./cell-filters.ts";
import { buildFilters } from "./index.ts";

const choices = (["x86_64", "aarch64"] as const).flatMap((arch) =>
  (["direct", "socat"] as const).map((tunnel) => ({ arch, tunnel })),
);

test.each(choices)("cellFilters() is what the rules compile to (else: npm run generate): %o", (choice) => {
  const fresh = buildFilters(choice.arch, filterOptions(choice.tunnel));
  expect(cellFilters(choice)).toEqual(fresh.map(({ name, program }) => ({ name, program })));
});

test("describeFilters() counts the instructions that are really loaded", async () => {
  const [choice = { arch: "x86_64", tunnel: "direct" } as const] = choices;
  const described = await describeFilters(choice);
  expect(described.map(({ instructions }) => instructions * 8)).toEqual(
    cellFilters(choice).map(({ program }) => program.length),
  );
  expect(described.every(({ lines }) => lines.length > 10)).toBe(true);
});
