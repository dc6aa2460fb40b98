import { mkdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { mount, planInput } from "../../test/helpers/plan-input.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { buildPlan } from "../plan/index.ts";
import { checkConnected } from "./check-connected.ts";

/** A plan whose one connected folder stands, to this very process, where the cell would see it. */
function planFor(target: string) {
  const { dev: device, ino: inode } = statSync(target);
  const plan = buildPlan(planInput({ settings: { mounts: [mount("/srv/job")] } }));
  const mounts = plan.mounts.flatMap((one) =>
    one.identity === undefined ? [] : [{ ...one, target, identity: { device, inode } }],
  );
  return { ...plan, mounts };
}

test("checkConnected() takes the folder that was decided on, and no other in its place", async () => {
  const root = tempFolder();
  const [place, other] = [path.join(root, "place"), path.join(root, "other")];
  for (const folder of [place, other]) mkdirSync(folder);
  const plan = planFor(place);
  expect(plan.mounts).toHaveLength(1);
  // The control: nothing has been moved.
  expect(() => checkConnected(plan, process.pid)).not.toThrow();
  renameSync(place, path.join(root, "moved"));
  symlinkSync(other, place);
  expect((await failureOf(() => checkConnected(plan, process.pid))).code).toBe("WC_MOUNT");
  rmSync(place);
  expect((await failureOf(() => checkConnected(plan, process.pid))).code).toBe("WC_MOUNT");
});
