import { expect, test } from "vitest";
import { memoryFiles } from "../../test/helpers/memory-files.ts";
import type { FileServer } from "./file-server.ts";
import { dealtAll, Lanes } from "./lanes.ts";

/** A server that writes down what it is asked for. */
function noting(name: string, said: string[]): FileServer {
  return {
    ...memoryFiles({}),
    remove: async ({ path }) => void said.push(`${name} ${path}`),
    sync: async () => void said.push(`${name} sync`),
    close: async () => void said.push(`${name} closed`),
  };
}

test("Lanes opens no further server for little, opens them once for much, and syncs and closes them", async () => {
  const said: string[] = [];
  let opened = 0;
  const lanes = new Lanes(noting("first", said), async () => noting(`further ${++opened}`, said), 10);
  expect(await lanes.serversFor(9)).toHaveLength(1);
  await lanes.sync(0);
  expect({ opened, said }).toEqual({ opened: 0, said: ["first sync"] });
  const servers = await lanes.serversFor(10);
  expect(await lanes.serversFor(1000)).toEqual(servers);
  expect({ opened, count: servers.length }).toEqual({ opened: 7, count: 8 });
  const items = ["a", "b", "c", "d", "e"];
  await dealtAll(servers, { items, window: 2 }, (path, server) => server.remove({ root: 0, path }));
  await lanes.sync(0);
  await lanes.close();
  expect(said.slice(1).sort()).toEqual(
    [
      ...["first a", "further 1 b", "further 2 c", "further 3 d", "further 4 e"],
      "first sync",
      ...[1, 2, 3, 4, 5, 6, 7].flatMap((each) => [`further ${each} sync`, `further ${each} closed`]),
    ].sort(),
  );
});

test("Lanes goes on with the first server alone where no other can be opened", async () => {
  const lanes = new Lanes(noting("first", []), () => Promise.reject(new Error("no more processes")), 1);
  expect(await lanes.serversFor(1)).toHaveLength(1);
  await lanes.close();
});
