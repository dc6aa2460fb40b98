import { rmdirSync } from "node:fs";
import { WorkcellError } from "../errors/index.ts";
import { type DecideRequest, decide } from "./decide.ts";
import { isSession, type KnownSession, namedSession } from "./find-sessions.ts";
import { openSession } from "./store.ts";

function thereIsOne(name: string): WorkcellError {
  return new WorkcellError("WC_SESSION", {
    message: `Cannot make session "${name}": there is one of that name`,
    remedy: `Look at it: workcell session show ${name}; or name another`,
  });
}

/**
 * Makes a session that stays, with its home, its user and its disk, and starts nothing in it. What it is asked for is
 * checked as for a run. `state` is Workcell's state folder. Throws WC_SESSION when there is one of that name.
 */
export async function createSession(
  state: string,
  name: string,
  request: DecideRequest,
): Promise<KnownSession> {
  if (isSession(state, name)) throw thereIsOne(name);
  const { settings, facts } = await decide({ ...request, flags: { ...request.flags, session: name } });
  const session = openSession({ settings, host: facts });
  // It was made for a cell that there is not.
  rmdirSync(session.cellFolder);
  session.close();
  if (!session.isFresh) throw thereIsOne(name);
  return namedSession(state, name);
}
