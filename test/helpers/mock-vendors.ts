import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** A request as it came to the vendor's endpoint. */
export interface Arrived {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface MockVendors extends AsyncDisposable {
  readonly url: string;
  readonly arrived: Arrived[];
}

/** What the mock answers to which request, in the mock's own words. */
export interface MockAnswer {
  readonly match: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
}

/** A mock of the vendors' interfaces that is not ours, installed below `place`, and before it what writes down what came. */
export async function openMockVendors(place: string, answers: readonly MockAnswer[]): Promise<MockVendors> {
  const file = path.join(place, "node_modules/@copilotkit/aimock/dist/index.js");
  const { LLMock } = await import(pathToFileURL(file).href);
  const mock = new LLMock({ port: 0, logLevel: "silent" });
  mock.addFixturesFromJSON(answers);
  const behind: string = await mock.start();
  const arrived: Arrived[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { url = "", method = "", headers } = incoming;
    arrived.push({ path: url, headers, body: body.toString() });
    const onward = request(`${behind}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    onward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    arrived,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await mock.stop();
    },
  };
}
