// The other end of a tool: an HTTP server that belongs to the suite. What arrives here has happened, whatever the
// harness says of it, so effects are counted here and nowhere else.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export type SinkCall = {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** The Idempotency-Key header without quotes; null where none came. */
  readonly idempotencyKey: string | null;
  /** `applied`: a new effect; `repeated`: the same key again, so no new one; `failed`: refused before any effect. */
  readonly outcome: "applied" | "repeated" | "failed";
};

export type SinkCue =
  /** Refuses before any effect. */
  | { readonly do: "fail"; readonly status: number }
  /** Breaks the connection before any effect: the caller cannot know that nothing happened. */
  | { readonly do: "drop" }
  /** Takes the effect, as without any cue. */
  | { readonly do: "apply" }
  /** Takes the effect and never answers: the caller cannot know whether it happened. */
  | { readonly do: "hang" }
  /** Takes the effect and breaks the connection instead of answering. */
  | { readonly do: "apply_then_drop" }
  /** Takes the effect and says that it failed. */
  | { readonly do: "apply_then_fail"; readonly status: number }
  /** Takes the effect, calls the hook (which may kill the caller), then answers if anybody is left. */
  | { readonly do: "apply_then"; readonly hook: () => Promise<void> };

export type ToolSink = {
  readonly url: string;
  calls(): readonly SinkCall[];
  /** Times each effect was taken, by Idempotency-Key, or by body for calls without one, each of which is a new effect. */
  effects(): ReadonlyMap<string, number>;
  /** Which of the canaries arrived here, in any part of a request: as they are, percent-encoded, base64 or hex. */
  seen(canaries: readonly string[]): readonly string[];
  /** The next calls are answered by these, in order; after them everything is taken. */
  cue(...cues: readonly SinkCue[]): void;
  /** Forgets the cues that no call has met. */
  uncue(): void;
  stop(): Promise<void>;
};

const BODY_BYTES_MAX = 4 * 1024 * 1024;

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > BODY_BYTES_MAX) throw new Error("the body is too large for the tool sink");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function keyOf(message: IncomingMessage): string | null {
  const header = message.headers["idempotency-key"];
  if (typeof header !== "string" || header === "") return null;
  return header.replace(/^"(.*)"$/, "$1");
}

const formsOf = (canary: string): readonly string[] => [
  canary,
  encodeURIComponent(canary),
  Buffer.from(canary).toString("hex"),
  ...[0, 1, 2].flatMap((before) => base64Within(canary, before)),
];

/**
 * What stands for the canary in the base64 of a longer text, by how many bytes of its group of three stand before it. Its
 * first character can hold bits of what is before, and is left out; its last can hold some of what follows: each of these.
 */
function base64Within(canary: string, before: number): readonly string[] {
  const bytes = Buffer.from("\0".repeat(before) + canary);
  const chars = Math.ceil((bytes.byteLength * 4) / 3);
  return Array.from({ length: 16 }, (_, next) =>
    Buffer.concat([bytes, Uint8Array.of(next * 16)])
      .toString("base64")
      .slice(before === 0 ? 0 : before + 1, chars),
  );
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** What the caller is told of an effect that was taken. */
async function answerTaken(
  response: ServerResponse,
  cue: SinkCue | undefined,
  repeated: boolean,
): Promise<void> {
  if (cue?.do === "hang") return;
  if (cue?.do === "apply_then_drop") {
    response.destroy();
    return;
  }
  if (cue?.do === "apply_then_fail") {
    answer(response, cue.status, { error: "failed on cue, after the effect" });
    return;
  }
  if (cue?.do === "apply_then") await cue.hook();
  answer(response, 200, { taken: true, repeated });
}

/** Listens on the loopback interface. @param port 0 for any free one */
export async function startToolSink(port: number = 0): Promise<ToolSink> {
  const calls: SinkCall[] = [];
  const raw: string[] = [];
  const effects = new Map<string, number>();
  const cues: SinkCue[] = [];
  const sockets = new Set<Socket>();

  const take = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(message);
    const idempotencyKey = keyOf(message);
    const cue = cues.shift();
    const call = { method: message.method ?? "", path: message.url ?? "", body, idempotencyKey };
    raw.push(`${call.method} ${call.path}\n${message.rawHeaders.join("\n")}\n${body}`);
    if (cue?.do === "fail") {
      calls.push({ ...call, outcome: "failed" });
      answer(response, cue.status, { error: "refused on cue" });
      return;
    }
    const name = idempotencyKey ?? `body:${body}`;
    if (cue?.do === "drop") {
      calls.push({ ...call, outcome: "failed" });
      response.destroy();
      return;
    }
    // Nothing but a key tells a repetition from one more of the same: a tool that is given none does it again.
    const repeated = idempotencyKey !== null && effects.has(name);
    effects.set(name, (effects.get(name) ?? 0) + 1);
    calls.push({ ...call, outcome: repeated ? "repeated" : "applied" });
    await answerTaken(response, cue, repeated);
  };

  const server = createServer((message, response) => {
    take(message, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the tool sink has no port");

  return {
    url: `http://127.0.0.1:${address.port}/effect`,
    calls: () => calls,
    effects: () => effects,
    seen: (canaries) =>
      canaries.filter((canary) => formsOf(canary).some((form) => raw.some((text) => text.includes(form)))),
    cue: (...more) => {
      cues.push(...more);
    },
    uncue: () => {
      cues.length = 0;
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
