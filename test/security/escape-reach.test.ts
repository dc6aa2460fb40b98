import { describeEscapes } from "../helpers/escapes.ts";

// Descriptors, sockets and the host's processes.
describeEscapes({ sections: ["E"] });
