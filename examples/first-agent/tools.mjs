// Three tools behind HTTP, in memory: `node examples/first-agent/tools.mjs [port]`. What each of them gets is
// POST {"tool": …, "arguments": …} with an Idempotency-Key, and the same key again means the same call again.
import { createServer } from "node:http";

const done = new Map(); // by key: what the call answered

const tools = {
  "/find_order": ({ order }) => ({
    order,
    paid: 12.5,
    note: "Please pay me back to DE02 1203 0000 0000 2020 51.",
  }),
  "/refund_order": ({ order, account, amount }) => ({ paid: amount, to: account, for: order }),
  "/write_customer": ({ order }) => ({ sent: order }),
};

const say = (line) => process.stdout.write(`${line}\n`);

const serve = async (request, response) => {
  const key = request.headers["idempotency-key"];
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  // Asked after a crash, when nobody knows whether the call arrived: its answer, or 404 for "it did not".
  if (request.method === "GET") return done.has(key) ? answer(200, done.get(key)) : answer(404, {});
  let text = "";
  for await (const piece of request) text += piece;
  const body = JSON.parse(text);
  if (done.has(key)) return answer(200, done.get(key));
  const tool = tools[request.url];
  let result;
  if (request.url === "/undo") {
    // Also where that call never came: should it still be on its way, it is not carried out any more.
    result = { undone: done.has(body.compensates) };
    done.set(body.compensates, { taken_back: true });
  } else if (tool !== undefined) result = tool(body.arguments);
  else return answer(404, {});
  done.set(key, result);
  say(`${request.url} ${JSON.stringify(body.arguments)} -> ${JSON.stringify(result)}`);
  return answer(200, result);
};

createServer((request, response) => {
  serve(request, response).catch(() => response.writeHead(400).end());
}).listen(Number(process.argv[2] ?? 4300), "127.0.0.1", function () {
  say(`tools at http://127.0.0.1:${this.address().port}`);
});
