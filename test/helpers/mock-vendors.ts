import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Recorder, recordRequests } from "./recorded.ts";

/** What the mock answers to which request, in the mock's own words. */
export interface MockAnswer {
  readonly match: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
}

/** A mock of the vendors' interfaces that is not ours, installed below `place`, and before it what writes down what came. */
export async function openMockVendors(place: string, answers: readonly MockAnswer[]): Promise<Recorder> {
  const file = path.join(place, "node_modules/@copilotkit/aimock/dist/index.js");
  const { LLMock } = await import(pathToFileURL(file).href);
  const mock = new LLMock({ port: 0, logLevel: "silent" });
  mock.addFixturesFromJSON(answers);
  const recorder = await recordRequests(await mock.start());
  return {
    ...recorder,
    [Symbol.asyncDispose]: async () => {
      await recorder[Symbol.asyncDispose]();
      await mock.stop();
    },
  };
}
