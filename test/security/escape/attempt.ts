/** Sections of the checklist: terminal, files, persistence, kernel, descriptors and IPC, resources. */
export type Section = "A" | "B" | "C" | "D" | "E" | "H";

/** What proves that an attempt went through. */
export type Proof =
  /** The kernel carried the call out. */
  | "call"
  /** It said the secret that only the host has. */
  | "secret"
  /** The canary on the host carries its mark. */
  | "canary"
  /** The file that it made has a set-user-id or set-group-id bit on the host. */
  | "set-id"
  /** The kernel looked at the arguments, which are wrong on purpose since the right ones would do harm. */
  | "looked";

interface Common {
  /** Section, a dot, and a name; also the name of its canary. */
  readonly id: `${Section}.${string}`;
  /** What is attempted, as an infinitive. */
  readonly title: string;
  readonly proof: Proof;
  /** Errnos or signals that a cell refuses it with; `own` where it only reached something of the cell's own. */
  readonly refused: readonly string[];
  /** With proof `looked`: the errnos that say so. */
  readonly looked?: readonly string[];
  /** Where the canary is, when it is not `$CANARY`: a path that begins with one of the names that attempts are given. */
  readonly canary?: string;
  /** Without a sandbox it goes through for root only. */
  readonly rootOnly?: true;
  /** Why it may fail without any sandbox on some machines: then it proves nothing there, and says so. */
  readonly vacuous?: string;
  /** Why it does go through in a cell today; where it is refused after all, nothing is wrong. */
  readonly open?: string;
  /** The only architecture that it can be tried on. */
  readonly arch?: NodeJS.Architecture;
  /** It needs a terminal at stdin. */
  readonly terminal?: true;
  /** It may end the cell: it gets one of its own. */
  readonly alone?: Alone;
}

/** How a cell is run that is there for one attempt. */
export interface Alone {
  /** Flags of `workcell run` beside the usual ones. */
  readonly flags?: readonly string[];
  /** Workcell, or what stands in its place, is killed by SIGKILL once the attempt has said `ready`. */
  readonly killed?: true;
  /** How long after the end the canary is looked at, in ms. */
  readonly lookAfterMs?: number;
}

/** Something that nothing in a sandbox may be able to do. */
export type EscapeAttempt = Common &
  (
    | {
        /** Body of a C function that ends with 0 when it went through, else with an errno; see fixtures/escape-driver.c. */
        readonly c: string;
      }
    | {
        /** Words of sh that end with 0 when it went through. */
        readonly sh: string;
      }
  );

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
type Program = { readonly c: string } | { readonly sh: string };
type Entry = Optional<Common, "proof" | "refused"> & Program;

/** Attempts that have something in common; what an entry says itself counts more. */
export function group(
  shared: Pick<Common, "proof" | "refused"> & Partial<Common>,
  entries: readonly Entry[],
): readonly EscapeAttempt[] {
  return entries.map((entry) => ({ ...shared, ...entry }));
}
