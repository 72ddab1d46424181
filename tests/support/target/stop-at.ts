// Loaded before the program (node --import): stops this very process (SIGSTOP), once, at the point of a run that STOP_AT
// names. What it was about to do, or had just sent, is as it is when a machine is suspended there.

import { Socket } from "node:net";
import { Client } from "pg";

/** Words of the statement at which it stops, and whether it has been sent by then. */
const POINTS = {
  // The call is journaled as intended; the answer to that is read when the process goes on.
  intended: { words: ["assent.hold_run(", '"spent"', "opened_seqs"], sent: true },
  // The tool has answered, and nobody knows of it.
  answered: { words: ["assent.hold_run(", "taken", "changed_seqs"], sent: false },
  // The outcome is committed, and the process does not know.
  committed: { words: ["assent.hold_run(", "taken", "changed_seqs"], sent: true },
  // A server that has told the database of a run, and nobody else.
  submitted: { words: ["from assent.submit_run($1"], sent: true },
  // A server in a decision's transaction, with the run locked.
  deciding: { words: ["assent.write_run(", '"approval_approved"'], sent: false },
} as const;

/**
 * `connecting`: the lease is proven, and the connection for the call is asked for; the kernel makes it meanwhile. `sending`:
 * the first byte of the call is about to be sent.
 */
export type StopPoint = keyof typeof POINTS | "connecting" | "sending";

const isPoint = (name: string | undefined): name is keyof typeof POINTS =>
  name !== undefined && Object.hasOwn(POINTS, name);

const point = process.env["STOP_AT"];
if (isPoint(point)) {
  const { words, sent } = POINTS[point];
  const query: unknown = Reflect.get(Client.prototype, "query");
  if (typeof query !== "function") throw new Error("a client can be asked");
  let isDone = false;
  Reflect.set(Client.prototype, "query", function stopping(this: Client, ...asked: unknown[]): unknown {
    const text = isDone ? "" : JSON.stringify(asked[0] ?? null);
    const stops = words.every((word) => text.includes(word));
    isDone ||= stops;
    if (stops && !sent) process.kill(process.pid, "SIGSTOP");
    const answer: unknown = Reflect.apply(query, this, asked);
    if (stops && sent) process.kill(process.pid, "SIGSTOP");
    return answer;
  });
}

// The database is reached by a path, and models by a file: a port is the tool's.
if (point === "connecting") {
  const connect: unknown = Reflect.get(Socket.prototype, "connect");
  if (typeof connect !== "function") throw new Error("a socket can be connected");
  let isDone = false;
  Reflect.set(Socket.prototype, "connect", function stopping(this: Socket, ...asked: unknown[]): unknown {
    const connecting: unknown = Reflect.apply(connect, this, asked);
    const stops = !isDone && JSON.stringify(asked[0]).includes('"port"');
    isDone ||= stops;
    if (stops) process.kill(process.pid, "SIGSTOP");
    return connecting;
  });
}

// What knows of no token would take it for the call that it once was.
if (point === "sending") {
  const write: unknown = Reflect.get(Socket.prototype, "write");
  if (typeof write !== "function") throw new Error("a socket can be written to");
  let isDone = false;
  Reflect.set(Socket.prototype, "write", function stopping(this: Socket, ...asked: unknown[]): unknown {
    const stops = !isDone && String(asked[0]).startsWith("POST ");
    isDone ||= stops;
    if (stops) process.kill(process.pid, "SIGSTOP");
    return Reflect.apply(write, this, asked);
  });
}
