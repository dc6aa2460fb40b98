/** A place in the program that can be jumped to. */
export type Label = number;

/** Classic BPF, as far as a filter needs it. */
const opcodes = {
  load: 0x20,
  and: 0x54,
  jump: 0x05,
  equal: 0x15,
  "at-least": 0x35,
  "any-bit": 0x45,
  return: 0x06,
} as const;

type Opcode = keyof typeof opcodes;

interface Instruction {
  readonly opcode: Opcode;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly k: number;
}

/** The kernel takes no longer program. */
const longest = 4096;

/** A conditional jump reaches 255 instructions; the rest is room for the detours that are put in between. */
const reach = 250;

/**
 * Writes a program from its end to its start. Every jump of classic BPF goes forward, so each target is already
 * written when the jump to it is, and its distance is known.
 */
export class Assembler {
  readonly #backwards: Instruction[] = [];
  /** The latest detour to a place that is out of reach; jumps close to each other share one. */
  readonly #detours = new Map<Label, Label>();

  /** Ends the filter with this value. */
  return(k: number): Label {
    return this.#push({ opcode: "return", whenTrue: 0, whenFalse: 0, k });
  }

  /** Loads a word of the call's data, then goes on at `next`. */
  load(offset: number, next: Label): Label {
    return this.#before(next, { opcode: "load", whenTrue: 0, whenFalse: 0, k: offset });
  }

  /** Keeps only these bits of the loaded word, then goes on at `next`. */
  and(mask: number, next: Label): Label {
    return this.#before(next, { opcode: "and", whenTrue: 0, whenFalse: 0, k: mask });
  }

  /** Compares the loaded word with `k`. */
  branch(opcode: "equal" | "at-least" | "any-bit", k: number, targets: { yes: Label; no: Label }): Label {
    const yes = this.#near(targets.yes);
    const no = this.#near(targets.no);
    return this.#push({ opcode, whenTrue: this.#distance(yes), whenFalse: this.#distance(no), k });
  }

  /** The program that starts at `entry`: little endian, 8 bytes an instruction. */
  program(entry: Label): Uint8Array {
    if (this.#distance(entry) > 0) this.#jump(entry);
    const count = this.#backwards.length;
    if (count > longest) {
      throw new RangeError(
        `Cannot assemble a filter of ${count} instructions: the kernel takes at most ${longest}`,
      );
    }
    const view = new DataView(new ArrayBuffer(count * 8));
    for (const [index, { opcode, whenTrue, whenFalse, k }] of this.#backwards.entries()) {
      const at = (count - 1 - index) * 8;
      view.setUint16(at, opcodes[opcode], true);
      view.setUint8(at + 2, whenTrue);
      view.setUint8(at + 3, whenFalse);
      view.setUint32(at + 4, k, true);
    }
    return new Uint8Array(view.buffer);
  }

  /** How many instructions the next one would have to skip to arrive there. */
  #distance(label: Label): number {
    return this.#backwards.length - label - 1;
  }

  #near(label: Label): Label {
    if (this.#distance(label) <= reach) return label;
    const known = this.#detours.get(label);
    if (known !== undefined && this.#distance(known) <= reach) return known;
    const detour = this.#jump(label);
    this.#detours.set(label, detour);
    return detour;
  }

  #jump(label: Label): Label {
    return this.#push({ opcode: "jump", whenTrue: 0, whenFalse: 0, k: this.#distance(label) });
  }

  #before(next: Label, instruction: Instruction): Label {
    if (this.#distance(next) > 0) this.#jump(next);
    return this.#push(instruction);
  }

  #push(instruction: Instruction): Label {
    return this.#backwards.push(instruction) - 1;
  }
}
