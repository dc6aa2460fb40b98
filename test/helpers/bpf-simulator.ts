/** What the kernel shows a filter of one call: struct seccomp_data. Arguments are 64 bits wide. */
export interface CallData {
  readonly number: number;
  readonly audit: number;
  readonly arguments?: readonly bigint[];
}

/** What a filter returned, and what it took. */
export interface Run {
  readonly value: number;
  readonly steps: number;
  /** True when an argument was looked at. */
  readonly readArgument: boolean;
}

interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly k: number;
}

const load = 0x20;
const and = 0x54;
const jump = 0x05;
const equal = 0x15;
const greater = 0x25;
const atLeast = 0x35;
const anyBit = 0x45;
const end = 0x06;
const conditional = [equal, greater, atLeast, anyBit];
const dataSize = 64;

/** Reads and checks a program as the kernel does before it takes one; throws on what the kernel would refuse. */
export function loadProgram(bytes: Uint8Array): readonly Instruction[] {
  if (bytes.length % 8 !== 0 || bytes.length === 0) throw new Error("not a whole number of instructions");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const program = Array.from({ length: bytes.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    whenTrue: view.getUint8(index * 8 + 2),
    whenFalse: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
  if (program.length > 4096) throw new Error("longer than 4096 instructions");
  for (const [index, { code, whenTrue, whenFalse, k }] of program.entries()) {
    const targets = conditional.includes(code) ? [whenTrue, whenFalse] : code === jump ? [k] : [];
    if (![load, and, jump, end, ...conditional].includes(code)) throw new Error(`opcode ${code} at ${index}`);
    if (targets.some((target) => index + 1 + target >= program.length))
      throw new Error(`jump out at ${index}`);
    if (code === load && (k % 4 !== 0 || k >= dataSize)) throw new Error(`load out of the data at ${index}`);
  }
  if (program.at(-1)?.code !== end) throw new Error("does not end with a return");
  return program;
}

function dataOf(call: CallData): DataView {
  const view = new DataView(new ArrayBuffer(dataSize));
  view.setUint32(0, call.number, true);
  view.setUint32(4, call.audit, true);
  for (const [index, value] of (call.arguments ?? []).entries())
    view.setBigUint64(16 + 8 * index, value, true);
  return view;
}

function holds(instruction: Instruction, accumulator: number): boolean {
  const { code, k } = instruction;
  if (code === equal) return accumulator === k;
  if (code === greater) return accumulator > k;
  if (code === atLeast) return accumulator >= k;
  return (accumulator & k) !== 0;
}

/** Runs one program on one call. */
export function runProgram(program: readonly Instruction[], call: CallData): Run {
  const data = dataOf(call);
  let accumulator = 0;
  let readArgument = false;
  let at = 0;
  for (let steps = 1; ; steps += 1) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error("ran off the end");
    const { code, k } = instruction;
    at += 1;
    if (code === end) return { value: k, steps, readArgument };
    if (code === jump) at += k;
    else if (code === and) accumulator = (accumulator & k) >>> 0;
    else if (code === load) {
      accumulator = data.getUint32(k, true);
      readArgument ||= k >= 16;
    } else at += holds(instruction, accumulator) ? instruction.whenTrue : instruction.whenFalse;
  }
}

/** What the kernel does with several filters, oldest first: the lowest action as a signed word wins, of equals the newest. */
export function runFilters(programs: readonly (readonly Instruction[])[], call: CallData): number {
  const action = (value: number) => (value & 0xffff_0000) | 0;
  return programs
    .map((program) => runProgram(program, call).value)
    .reduceRight((decided, value) => (action(value) < action(decided) ? value : decided), 0x7fff_0000);
}
