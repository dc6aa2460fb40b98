import { people } from "../helpers/cell.ts";
import { describeEscapes } from "../helpers/escapes.ts";

// What holds limits knows no tunnel.
describeEscapes({ sections: ["H"], people: people.filter(({ tunnel }) => tunnel === "direct") });
