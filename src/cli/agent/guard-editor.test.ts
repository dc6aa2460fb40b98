import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { guardEditor } from "./guard-editor.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a line without an end fills nobody's memory: it is left out, and so is a folder that hides in it", async () => {
  const [from, to, stdin, stdout] = [0, 1, 2, 3].map(() => new PassThrough({ highWaterMark: 2 ** 28 }));
  if (!(from && to && stdin && stdout)) return;
  guardEditor({ from, to, stdin, stdout }, () => "not there");
  const long = Buffer.alloc(65 * 1024 * 1024, " ");
  const asks = '{"id":1,"method":"session/new","params":{"cwd":"/x"}}\n';
  for (const [end, other] of [
    [stdout, to],
    [from, stdin],
  ] as const) {
    end.write(long);
    end.write(asks);
    end.write('{"next":1}\n');
    await settled();
    expect(`${other.read()}`).toBe('{"next":1}\n');
  }
  // The control: a line of ordinary length is objected to.
  from.write(asks);
  await settled();
  expect(`${to.read()}`).toContain("not there");
  expect(stdin.read()).toBeNull();
});
