import type { DoctorCheck } from "../../model/index.ts";
import { findTool } from "../find-tool.ts";
import { type ProgramRequest, type ProgramResult, runProgram } from "../run-program.ts";
import { searchedPath, trustedPath, withRealPaths } from "../trusted-path.ts";
import { type HostLimits, readHostLimits } from "./host-limits.ts";

/** As whom and with what the doctor examines the machine. */
export interface DoctorContext {
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly cwd: string;
  /** Absolute path of the built native/cellhost. */
  readonly cellhost: string;
  /** First and last of the host uids that root's sessions run as. */
  readonly uidRange: { readonly first: number; readonly last: number };
}

/** What a check says of itself whatever comes out. */
export type CheckFrame = Pick<DoctorCheck, "id" | "title" | "needed" | "without">;

export type Finding = Pick<DoctorCheck, "status" | "found"> & { readonly remedy?: string };

/** One check: what it is about, and the attempt. */
export interface Check extends CheckFrame {
  examine(examination: Examination): Promise<Finding>;
}

/** The surroundings of all checks. */
export interface Examination extends DoctorContext {
  readonly uid: number;
  /** Who cells run as: the person, or for root the first uid of the range. */
  readonly cellIdentity: { readonly uid: number; readonly gid: number };
  readonly limits: HostLimits;
  /** Absolute path of a program on PATH, outside the working directory. */
  find(name: string): string | undefined;
  /** Runs a program as Workcell itself. */
  run(program: string, args: readonly string[], more?: Partial<ProgramRequest>): Promise<ProgramResult>;
  /** Runs a program as cells run. */
  runAsCell(program: string, args: readonly string[], more?: Partial<ProgramRequest>): Promise<ProgramResult>;
}

/** No attempt may hold up the others. */
const timeoutMs = 5_000;

/** Prepares the surroundings: who asks, what is on PATH, what the machine forbids. */
export function examinationOf(context: DoctorContext): Examination {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const dropped = uid === 0 ? { uid: context.uidRange.first, gid: context.uidRange.first } : undefined;
  const untrusted = withRealPaths([context.cwd]);
  const folders = trustedPath(searchedPath(context.env["PATH"], untrusted), untrusted);
  // English messages, since some are told to the person and some are recognised.
  const env = { PATH: folders.join(":"), HOME: context.home, LC_ALL: "C" };
  const run: Examination["run"] = (program, args, more) =>
    runProgram({ program, args, env, timeoutMs, ...more });
  return {
    ...context,
    uid,
    cellIdentity: dropped ?? { uid, gid },
    limits: readHostLimits(context.env),
    find: (name) => findTool(name, folders, untrusted)?.path,
    run,
    runAsCell: (program, args, more) =>
      run(program, args, { ...more, ...(dropped === undefined ? {} : { identity: dropped }) }),
  };
}
