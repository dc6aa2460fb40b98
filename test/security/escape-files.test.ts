import { describeEscapes } from "../helpers/escapes.ts";

// Files, and what stays behind on the host.
describeEscapes({ sections: ["B", "C"] });
