import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** What a model of the Responses API answers with: words, or a call of a tool that takes plain text. */
export type ResponsesAnswer = { readonly text: string } | { readonly tool: string; readonly input: string };

const itemOf = (answer: ResponsesAnswer, number: number) =>
  "text" in answer
    ? {
        ...{ type: "message", role: "assistant", id: `msg_${number}` },
        content: [{ type: "output_text", text: answer.text }],
      }
    : { type: "custom_tool_call", call_id: `call_${number}`, name: answer.tool, input: answer.input };

/** A Responses API on the loopback that gives these answers, in turn; the last one again and again. */
export async function serveResponses(answers: readonly ResponsesAnswer[]) {
  const bodies: string[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    if (incoming.url?.endsWith("/responses") !== true) {
      response.writeHead(404).end();
      return;
    }
    bodies.push(Buffer.concat(chunks).toString());
    const number = Math.min(bodies.length, answers.length);
    const answer = answers[number - 1];
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    const events = [
      { type: "response.created", response: { id: `resp_${number}` } },
      ...(answer === undefined ? [] : [{ type: "response.output_item.done", item: itemOf(answer, number) }]),
      { type: "response.completed", response: { id: `resp_${number}`, usage } },
    ];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies };
}
