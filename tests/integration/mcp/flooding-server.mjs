// A server that answers until it was asked for its tools, and from then on writes one line without end and reads
// nothing any more.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , folder, line] = process.argv;
writeFileSync(`${folder}/pid`, String(process.pid));
const SERVER = { name: "flood", version: "1" };
const PAY = { name: "pay", description: "Pays.", inputSchema: { type: "object", properties: {} } };
const ANSWERS = {
  initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: SERVER },
  "tools/list": { tools: [PAY] },
};

const flood = () => {
  const block = line.repeat(1_000);
  const write = () => {
    while (process.stdout.write(block));
    process.stdout.once("drain", write);
  };
  write();
};

process.stdout.on("error", () => process.exit(1));
createInterface({ input: process.stdin }).on("line", (text) => {
  const { id, method } = JSON.parse(text);
  if (id === undefined) return;
  const result = ANSWERS[method];
  const answer = result === undefined ? { error: { code: -32_601, message: "no" } } : { result };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...answer })}\n`, () => {
    if (method !== "tools/list") return;
    process.stdin.pause();
    flood();
  });
});
