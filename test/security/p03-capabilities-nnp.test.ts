import { chmodSync, copyFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { lacking, ordinary, people, useHouse } from "../helpers/cell.ts";

const absent = lacking({ programs: ["su"] });
const house = useHouse();

const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as const;
const fields = [...sets, "NoNewPrivs"];
const none = "0".repeat(16);

/** The fields of each process in question, one line a process. */
const look = (pids: string) =>
  `for pid in ${pids}; do grep -hE "^(${fields.join("|")}):" /proc/$pid/status | cut -f2 | tr '\\n' ' '; echo; done`;

function readFields(output: string): readonly Record<string, string>[] {
  const lines = output.trim().split("\n");
  return lines.map((line) =>
    Object.fromEntries(
      line
        .trim()
        .split(" ")
        .map((value, at) => [fields[at], value]),
    ),
  );
}

/** Starts su, which waits for a password, and prints every effective uid it is seen with until then. */
const watchSu = `
  coproc su -c true root 2>/dev/null
  pid=$COPROC_PID
  declare -A seen
  end=$((SECONDS + 5))
  while [ $SECONDS -lt $end ] && [ -e /proc/$pid/status ]; do
    while IFS=$'\\t' read -r key value effective rest; do
      case $key in Name:) name=$value ;; Uid:) seen["$name $effective"]=1; break ;; esac
    done 2>/dev/null </proc/$pid/status
    [ -n "\${seen[su 0]}" ] && break
  done
  kill $pid 2>/dev/null
  printf '%s\\n' "\${!seen[@]}" | grep ^su`;

/** A folder of root's with a set-uid copy of id, which prints its effective uid. */
function plantSetuid(): { folder: string; program: string } {
  const folder = house.makeFolder("tools", 0);
  const program = path.join(folder, "id");
  copyFileSync("/usr/bin/id", program);
  chmodSync(program, 0o4755);
  return { folder, program };
}

const uidOf = (output: string) => Number(/(\d+)\s*$/.exec(output)?.[1]);

describe.skipIf(absent.length > 0)("P3: no capability, and no way to gain one", () => {
  test.for(people)("every process of a cell of $name has empty sets and no_new_privs", async (person) => {
    const { stdout } = await house.inside(
      person,
      [],
      ["bash", "-c", look(person.tunnel === "socat" ? "1 2 3 4 self" : "1 2 self")],
    );
    const bare = { ...Object.fromEntries(sets.map((set) => [set, none])), NoNewPrivs: "1" };
    expect(readFields(stdout)).toEqual(Array.from({ length: person.tunnel === "socat" ? 5 : 3 }, () => bare));
  });

  test.for(people)("control: without a cell, $name has something to lose", async (person) => {
    const { stdout } = await house.outside(person, ["bash", "-c", look("self")]);
    const [found] = readFields(stdout);
    expect(found?.["NoNewPrivs"]).toBe("0");
    expect(found?.["CapBnd"]).not.toBe(none);
    expect(found?.["CapEff"] === none).toBe(!person.isRoot);
  });

  test.for(people)("the system's set-uid programs stay what they are in a cell of $name", async (person) => {
    const inside = await house.inside(person, [], ["bash", "-c", watchSu]);
    expect(inside.stdout).toMatch(/^su \d+\n$/);
    expect(uidOf(inside.stdout)).toBeGreaterThan(0);
    // Control: without a cell, the ordinary user's su is root.
    const outside = await house.outside(ordinary, ["bash", "-c", watchSu]);
    expect(outside.stdout).toContain("su 0\n");
  });

  describe.skipIf(lacking({ root: true }).length > 0)("planted by root", () => {
    test("a set-uid program in a connected folder gives nothing, whoever starts the cell", async () => {
      const { folder, program } = plantSetuid();
      for (const person of people) {
        const inside = await house.inside(person, ["-m", `${folder}:ro`], [program, "-u"]);
        expect(uidOf(inside.stdout)).toBeGreaterThan(0);
      }
      const outside = await house.outside(ordinary, [program, "-u"]);
      expect(uidOf(outside.stdout)).toBe(0);
    });
  });
});
