// A wire to Postgres that breaks in the middle of commits: it reads what passes (PostgreSQL protocol 3.0, 55.7), and at
// every commit that it is told to cut both ends lose each other, before the server has heard of it, when it has answered
// and nobody hears that, or while it is at it.

import { once } from "node:events";
import { createServer, type Socket, connect } from "node:net";

/** What a run, or a request about one, commits; `other` is everything else. */
export type CommitKind =
  | "submit"
  | "lease"
  | "begin"
  | "gate"
  | "decide"
  | "intent"
  | "result"
  | "end"
  | "other";

export type CutMoment = "before" | "during" | "after";

export type CommitCutter = {
  readonly port: number;
  /** Null: it is let through. Asked of each commit in turn. */
  choose: (kind: CommitKind) => CutMoment | null;
  /** Commits that were cut, as `<kind> <moment>`, with how often. */
  cut(): ReadonlyMap<string, number>;
  /** Commits that passed, cut ones included. */
  seen(): number;
};

/** One statement that is a transaction by itself, and what of its values tells what it commits. */
const STATEMENTS: readonly (readonly [kind: CommitKind, statement: string, value: string])[] = [
  ["submit", "assent.submit_run(", ""],
  ["lease", "assent.take_leased", ""],
  ["begin", "assent.begin_call(", ""],
  ["gate", "assent.hold_run(", '"run_parked"'],
  ["end", "assent.hold_run(", '"run_succeeded"'],
  ["intent", "assent.hold_run(", '"approval_spent"'],
  ["result", "assent.hold_run(", '"step_succeeded"'],
  ["other", "assent.hold_run(", ""],
];

type Cutting = { readonly cuts: Map<string, number>; seen: number };

export async function startCommitCutter(path: string, stack: AsyncDisposableStack): Promise<CommitCutter> {
  const sockets = new Set<Socket>();
  const cutting: Cutting = { cuts: new Map(), seen: 0 };
  const server = createServer((client) => {
    const upstream = connect({ path });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    carry(client, upstream, cutter, cutting);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the wire has no port");
  const cutter: CommitCutter = {
    port: address.port,
    choose: () => null,
    cut: () => cutting.cuts,
    seen: () => cutting.seen,
  };
  stack.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return cutter;
}

type Passing = { readonly kind: CommitKind; readonly moment: CutMoment | null };

const SYNC = "S";
const READY = "Z".codePointAt(0);

function carry(client: Socket, upstream: Socket, cutter: CommitCutter, cutting: Cutting): void {
  const statements = new Map<string, string>();
  let waiting = Buffer.alloc(0);
  let isGreeted = false;
  let decided = false;
  // A commit on its way, between the message that names it and the one after which the server carries it out.
  let passing: Passing | null = null;
  let answer: "passed on" | "kept back" = "passed on";
  const end = ({ kind, moment }: Passing): void => {
    const name = `${kind} ${moment}`;
    cutting.cuts.set(name, (cutting.cuts.get(name) ?? 0) + 1);
    client.resetAndDestroy();
    // What was sent goes out.
    upstream.destroySoon();
  };
  const read = (type: string, body: Buffer): Passing | null => {
    let kind: CommitKind | null = null;
    if (type === "P") {
      const [name = "", text = ""] = body.toString("latin1").split("\0", 2);
      statements.set(name, text);
    } else if (type === "Q") {
      if (!body.toString("latin1").startsWith("COMMIT")) return null;
      kind = decided ? "decide" : "other";
      decided = false;
    } else if (type === "B") {
      const said = body.toString("latin1");
      const text = statements.get(said.split("\0", 2)[1] ?? "") ?? "";
      decided ||= text.includes("assent.write_run(") && said.includes('"approval_approved"');
      kind = STATEMENTS.find(([, words, value]) => text.includes(words) && said.includes(value))?.[0] ?? null;
    }
    if (kind === null) return null;
    cutting.seen += 1;
    return { kind, moment: cutter.choose(kind) };
  };
  client.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (;;) {
      const at = isGreeted ? 1 : 0;
      if (waiting.byteLength < at + 4) return;
      const sizeBytes = at + waiting.readInt32BE(at);
      if (waiting.byteLength < sizeBytes) return;
      const message = waiting.subarray(0, sizeBytes);
      waiting = waiting.subarray(sizeBytes);
      const type = isGreeted ? String.fromCodePoint(message[0] ?? 0) : "";
      isGreeted = true;
      passing ??= read(type, message.subarray(5));
      if (passing?.moment === "before") {
        end(passing);
        return;
      }
      if (passing?.moment === "after") answer = "kept back";
      upstream.write(message);
      if (passing !== null && (type === SYNC || type === "Q")) {
        if (passing.moment === "during") {
          end(passing);
          return;
        }
        if (passing.moment === null) passing = null;
      }
    }
  });
  upstream.on("data", (chunk: Buffer) => {
    if (answer === "passed on") client.write(chunk);
    // "Ready for query" is the last that the server says, and six bytes long.
    else if (passing !== null && chunk.at(-6) === READY) end(passing);
  });
}
