import type { Disk } from "./observations.ts";
import { fromBoth, fromInside, hostValue, type Judge, notApplicable, required } from "./verdict.ts";

const size = ({ bytes, type }: Disk) => `${(bytes / 2 ** 30).toFixed(1)} GiB ${type}`;
const armFeatures = ["aes", "sha1", "sha2", "sha3", "sha512", "atomics", "paca", "pacg", "bti"];
const intelFeatures = ["aes", "sha_ni", "avx2", "avx512f"];

/** Hardware, operating system, partitions. */
export const machineJudges: Readonly<Record<string, Judge>> = {
  "hw.cpu": fromInside(({ cpu, arch }) => {
    const listed = [...new Set([...armFeatures, ...intelFeatures])].filter((name) =>
      cpu.features.includes(name),
    );
    const features = listed.length === 0 ? "none of the reference's features" : listed.join(", ");
    return hostValue(
      `${cpu.count} CPUs, ${arch}, ${cpu.model}: ${features}`,
      "inside: /proc/cpuinfo and CPU mask",
    );
  }),
  "hw.root-disk": fromInside(({ disks }) =>
    hostValue(
      `${size(disks.root)} on \`/\`, ${size(disks.system)} on \`/usr\``,
      "inside: statfs and /proc/mounts; the first is the cell's own, read-only, the second the host's",
    ),
  ),
  "os.distribution": fromInside(({ distribution }) => hostValue(distribution, "inside: os-release")),
  "os.kernel": fromInside(({ kernel }) => hostValue(kernel, "inside: uname")),
  "os.arch": fromInside(({ arch }) => hostValue(arch, "inside: uname")),
  "os.hostname": fromBoth(({ hostname }, outside) =>
    required(
      `\`${hostname}\`; the host's own is untouched`,
      "inside: gethostname; host: gethostname, and the UTS namespace of PID 1 beside Workcell's own",
      [
        { holds: hostname === "claude", otherwise: `it is "${hostname}"` },
        { holds: outside.ownNamespaces.includes("uts"), otherwise: "the UTS namespace is the host's" },
      ],
    ),
  ),
  "disk.root": notApplicable("the process tier has no disk of its own: the system is the host's, read-only"),
  "disk.efi": notApplicable("the process tier does not boot"),
};
