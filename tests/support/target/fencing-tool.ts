// A tool's server as docs/tools.md advises: it keeps the highest fencing token that came with a key, by a look as well as by a
// call, and refuses a call that comes with a lower one. What it lets through goes to the sink, which counts.

import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { ToolSink } from "@assent/suite";
import type { ToolAddress } from "./small-fleet.ts";
import { listening } from "../listening.ts";

export type FencingTool = ToolAddress & {
  /** Calls that came too late. */
  refused(): number;
};

export async function startFencingTool(sink: ToolSink, stack: AsyncDisposableStack): Promise<FencingTool> {
  const highest = new Map<string, number>();
  let refused = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const key = String(request.headers["idempotency-key"]);
      const token = Number(request.headers["assent-fencing-token"] ?? 0);
      const isLate = token < (highest.get(key) ?? 0);
      highest.set(key, Math.max(token, highest.get(key) ?? 0));
      if (request.method === "GET") {
        response.writeHead(sink.effects().has(key) ? 200 : 404).end("{}");
        return;
      }
      if (isLate) {
        refused += 1;
        response.writeHead(409).end("{}");
        return;
      }
      const answer = await fetch(sink.url, {
        method: "POST",
        headers: { "idempotency-key": key },
        body: await text(request),
      });
      response.writeHead(answer.status).end(await answer.text());
    })();
  });
  const url = await listening(server, stack);
  return { url: `${url}/effect`, checkUrl: `${url}/look`, refused: () => refused };
}
