import type { OutsideView } from "./observations.ts";
import { fromBoth, fromInside, type Judge, refused, required, succeeded, unknown } from "./verdict.ts";

/** The call that the observer was refused, as the host was told of it: `chmod by node`. */
function toldRefusal({ denials }: OutsideView): string | undefined {
  return denials.find(({ layer, what }) => layer === "filter" && /^f?chmod(at2?)? by /.test(what))?.what;
}

/** System-call filter and privileges. */
export const securityJudges: Readonly<Record<string, Judge>> = {
  "sec.mode": fromBoth(({ seccomp, attempts }, { controls }) =>
    required(
      `mode ${seccomp}; chmod 4755 is refused: ${attempts.setuidBit.detail}`,
      "inside: Seccomp in /proc/self/status, and a refused call (controls: chmod 0755 inside, chmod 4755 on the host)",
      [
        { holds: seccomp === "2", otherwise: `the mode is ${seccomp}` },
        ...refused("chmod 4755", attempts.setuidBit, controls.setuidBit),
        succeeded("chmod 0755", attempts.plainMode),
      ],
    ),
  ),
  "sec.filters": fromBoth(({ filters }, outside) => {
    const { workcell } = outside;
    const told = toldRefusal(outside);
    // Kernels before 5.9 do not count them.
    if (!Number.isInteger(filters))
      return unknown("could not be observed: the kernel does not count filters");
    const added = filters - workcell.filters;
    return required(
      `${added} (${filters} inside, ${workcell.filters} on Workcell itself); the refused chmod was told to the host: ${told ?? "no"}`,
      "Seccomp_filters in /proc/self/status, inside and of Workcell's own process; host: the second filter's listener " +
        "gets what is refused, and it is recorded as a denial with the call's name and the program's",
      [
        { holds: added === 2, otherwise: `${added} were added` },
        { holds: told !== undefined, otherwise: "no denial of it arrived at the host" },
      ],
    );
  }),
  "sec.nnp": fromInside(({ noNewPrivs }) =>
    required(`NoNewPrivs ${noNewPrivs}`, "inside: NoNewPrivs in /proc/self/status", [
      { holds: noNewPrivs === "1", otherwise: "it is off" },
    ]),
  ),
  "sec.caps": fromInside(({ capabilities, attempts }) => {
    const left = Object.entries(capabilities).filter(([, set]) => !/^0+$/.test(set));
    const sets = Object.keys(capabilities).join(", ");
    return required(
      `CapEff = ${capabilities.CapEff}; listening on port 80 is refused: ${attempts.privileged.detail}`,
      `inside: ${sets} in /proc/self/status, all empty, and a call that needs a capability`,
      [
        { holds: left.length === 0, otherwise: left.map(([name, set]) => `${name} = ${set}`).join(", ") },
        { holds: !attempts.privileged.ok, otherwise: "a call that needs a capability went through" },
      ],
    );
  }),
};
