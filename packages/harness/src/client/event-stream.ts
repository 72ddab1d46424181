// Server-sent events, as the HTML standard (section 9.2.6, "Interpreting an event stream") says to read them.

import { STREAM_LINE_CHARS_MAX } from "./limits.ts";

export type StreamEvent = { readonly event: string; readonly id: string | null; readonly data: string };
export type StreamItem =
  | { readonly type: "event"; readonly event: StreamEvent }
  | { readonly type: "retry"; readonly ms: number };

/** Throws when the connection breaks and when a line is longer than STREAM_LINE_CHARS_MAX. */
export async function* readEventStream(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamItem> {
  let fields = new Map<string, string>();
  let data: string[] = [];
  for await (const line of linesOf(chunks)) {
    if (line === "") {
      // An event without data is not dispatched; `end` is one that has.
      if (data.length > 0)
        yield {
          type: "event",
          event: {
            event: fields.get("event") ?? "message",
            id: fields.get("id") ?? null,
            data: data.join("\n"),
          },
        };
      fields = new Map();
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name === "retry" && /^\d{1,7}$/.test(value)) yield { type: "retry", ms: Number(value) };
    else fields.set(name, value);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A carriage return at the very end may be the first half of a pair: it waits for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    if (rest.length > STREAM_LINE_CHARS_MAX) throw new Error("the stream holds a line without end");
    yield* lines;
  }
  if (rest.endsWith("\r")) yield rest.slice(0, -1);
}
