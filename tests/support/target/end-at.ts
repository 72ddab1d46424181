// Loaded before the program (node --import): tells this very process to end (SIGTERM), once, at the point of a request that
// END_AT names, and keeps the statement, or its answer, back until the file is there that END_HELD_UNTIL names: what a
// database that is slow just then does.

import { existsSync } from "node:fs";
import { Client } from "pg";
import { until } from "../until.ts";

/** Words of the statement at which it is told, and whether Postgres has carried that out by then. */
const POINTS = {
  submitting: { words: ["from assent.submit_run($1"], done: false },
  submitted: { words: ["from assent.submit_run($1"], done: true },
  /** In the decision's transaction, with the run locked. */
  deciding: { words: ["assent.write_run(", '"approval_approved"'], done: false },
  /** The decision is written, and the next statement of the same connection commits it. */
  decided: { words: ["COMMIT"], done: true },
} as const;

export type EndPoint = keyof typeof POINTS;

const isPoint = (name: string | undefined): name is EndPoint =>
  name !== undefined && Object.hasOwn(POINTS, name);

const point = process.env["END_AT"];
const heldUntil = process.env["END_HELD_UNTIL"];
if (isPoint(point)) {
  const { words, done } = POINTS[point];
  const query: unknown = Reflect.get(Client.prototype, "query");
  if (typeof query !== "function") throw new Error("a client can be asked");
  let isTold = false;
  let deciding: Client | null = null;
  const told = async (): Promise<void> => {
    isTold = true;
    process.kill(process.pid, "SIGTERM");
    if (heldUntil !== undefined) await until("it may go on", () => existsSync(heldUntil));
  };
  const stopsAt = (client: Client, asked: unknown): boolean => {
    const text = JSON.stringify(asked ?? null);
    if (POINTS.deciding.words.every((word) => text.includes(word))) deciding = client;
    return words.every((word) => text.includes(word)) && (point !== "decided" || deciding === client);
  };
  Reflect.set(Client.prototype, "query", function ending(this: Client, ...asked: unknown[]): unknown {
    if (isTold || !stopsAt(this, asked[0])) return Reflect.apply(query, this, asked);
    const ask = async (): Promise<unknown> => {
      if (!done) await told();
      const answer: unknown = await Reflect.apply(query, this, asked);
      if (done) await told();
      return answer;
    };
    return ask();
  });
}
