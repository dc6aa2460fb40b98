import { callsAarch64 } from "./calls-aarch64.gen.ts";
import { callsX86_64 } from "./calls-x86_64.gen.ts";

/** What a filter has to know of the processor it runs on. */
export interface Architecture {
  readonly name: "x86_64" | "aarch64";
  /** AUDIT_ARCH_*: says which table the kernel reads a call's number in. */
  readonly audit: number;
  readonly calls: Readonly<Record<string, number>>;
  /** Set in numbers that enter a second table under the same audit value. */
  readonly foreignBit?: number;
}

/** The architectures that Workcell runs on. */
export const architectures: Readonly<Record<Architecture["name"], Architecture>> = {
  x86_64: { name: "x86_64", audit: 0xc000_003e, calls: callsX86_64, foreignBit: 0x4000_0000 },
  aarch64: { name: "aarch64", audit: 0xc000_00b7, calls: callsAarch64 },
};
