import { describeEscapes } from "../helpers/escapes.ts";

// The terminal, the kernel's calls and interfaces.
describeEscapes({ sections: ["A", "D"] });
