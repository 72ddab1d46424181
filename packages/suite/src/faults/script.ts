// What a fake provider is told to answer, and how it is told to fail. The servers speak the real wires over real
// sockets; only the model behind them is missing.

import type { IncomingHttpHeaders } from "node:http";

export type FakeCall = {
  readonly id?: string;
  readonly tool: string;
  /** A string is sent as it is, so that it can be no JSON at all; anything else as JSON. */
  readonly arguments: unknown;
};

/** Every way to fail that a provider, its proxy or the network is known for (spec/conventions.md, double's faults). */
export type Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** The provider's own word for the error. */
      readonly word?: string;
      readonly html?: boolean;
    }
  /** The connection is reset after the request was read. A refused connection: see `refuseConnections`. */
  | { readonly kind: "reset" }
  | { readonly kind: "hang" }
  /** Sends so many chunks of a sound answer, then nothing more, and keeps the connection. */
  | { readonly kind: "stall"; readonly afterChunks: number }
  /** A pause before each chunk; harmless. */
  | { readonly kind: "slow"; readonly pauseMs: number }
  | { readonly kind: "cut"; readonly afterChunks: number }
  /** Ends the response in order, with the rest of the answer missing. */
  | { readonly kind: "end_early"; readonly afterChunks: number }
  /** Puts a chunk that is no JSON between sound ones. */
  | { readonly kind: "bad_frame"; readonly afterChunks: number }
  | {
      readonly kind: "error_in_stream";
      readonly afterChunks: number;
      readonly word: string;
      /** Keeps the connection open after the error, for the client to close. */
      readonly holds?: boolean;
    }
  | { readonly kind: "html" }
  | { readonly kind: "content_type"; readonly value: string }
  /** Each byte in a write of its own, so that every character of more than one byte is split; harmless. */
  | { readonly kind: "one_byte_writes" }
  | { readonly kind: "ping_flood"; readonly count: number }
  | { readonly kind: "unknown_event" }
  | { readonly kind: "index"; readonly variant: "duplicate" | "reordered" | "missing" }
  | { readonly kind: "same_call_ids" }
  | { readonly kind: "arguments"; readonly text: string }
  | { readonly kind: "unknown_tool"; readonly tool: string }
  | { readonly kind: "two_calls" }
  | { readonly kind: "many_calls"; readonly count: number }
  | { readonly kind: "huge_delta"; readonly sizeBytes: number }
  /** The provider's reason for ending: `length`, `filter`, an unknown word, or the one that contradicts the answer. */
  | { readonly kind: "finish"; readonly reason: Finish }
  | { readonly kind: "usage"; readonly variant: "missing" | "zero" | "negative" | "huge" }
  | { readonly kind: "redirect"; readonly to: string };

export type FaultKind = Fault["kind"];
export type Finish = "stop" | "tool_calls" | "length" | "filter" | "unknown";

export type Reply = {
  readonly text?: string;
  readonly calls?: readonly FakeCall[];
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  readonly fault?: Fault;
};

/** A request for an answer, verbatim. */
export type RecordedRequest = {
  readonly index: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: string;
  readonly body: unknown;
  /** Resolves when the exchange is over, saying whether the client took the whole answer or went away before. */
  readonly closed: Promise<"finished" | "aborted">;
};

/** Replies in order, or a function of the request. Past the list's end the server answers 500 and notes a violation. */
export type Script = readonly Reply[] | ((request: RecordedRequest, index: number) => Reply);

/** A reply with everything filled in: what an encoder puts on its wire. */
export type Answer = {
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly tool: string; readonly arguments: string }[];
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly finish: Finish;
  readonly index: "right" | "duplicate" | "reordered" | "missing";
};

const SAMPLE: FakeCall = { tool: "read_file", arguments: { path: "README.md" } };

/** The answer that a reply stands for, with the faults in it that lie in what is said rather than how. */
export function toAnswer(reply: Reply, requestIndex: number): Answer {
  const { fault } = reply;
  const calls = faultyCalls(reply.calls ?? [], fault).map((call, at) => ({
    id: fault?.kind === "same_call_ids" ? "call_same" : (call.id ?? `call_${requestIndex}_${at}`),
    tool: call.tool,
    arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
  }));
  const text = fault?.kind === "huge_delta" ? "x".repeat(fault.sizeBytes) : (reply.text ?? "");
  return {
    text,
    calls,
    usage: fault?.kind === "usage" ? LIES[fault.variant] : (reply.usage ?? honestUsage(text, calls)),
    finish: fault?.kind === "finish" ? fault.reason : calls.length > 0 ? "tool_calls" : "stop",
    index: fault?.kind === "index" ? fault.variant : "right",
  };
}

// A token for four bytes, as a sound provider would count; a harness may end a run over less.
function honestUsage(text: string, calls: Answer["calls"]): NonNullable<Answer["usage"]> {
  const bytes = [text, ...calls.map((call) => call.arguments)].reduce(
    (sum, one) => sum + Buffer.byteLength(one),
    0,
  );
  return { inputTokens: 11, outputTokens: Math.max(7, Math.ceil(bytes / 4)) };
}

function faultyCalls(calls: readonly FakeCall[], fault: Fault | undefined): readonly FakeCall[] {
  const first = calls[0] ?? SAMPLE;
  if (fault === undefined) return calls;
  if (fault.kind === "arguments") return [{ ...first, arguments: fault.text }];
  if (fault.kind === "unknown_tool") return [{ ...first, tool: fault.tool }];
  if (fault.kind === "many_calls") return Array.from({ length: fault.count }, () => SAMPLE);
  const isTwo = fault.kind === "two_calls" || fault.kind === "index" || fault.kind === "same_call_ids";
  return isTwo ? [SAMPLE, { tool: "list_files", arguments: { path: "docs" } }] : calls;
}

const LIES: Readonly<Record<Extract<Fault, { kind: "usage" }>["variant"], Answer["usage"]>> = {
  missing: null,
  zero: { inputTokens: 0, outputTokens: 0 },
  negative: { inputTokens: -5, outputTokens: -1 },
  huge: { inputTokens: 1e300, outputTokens: 1e300 },
};

/** One server-sent event (WHATWG HTML 9.2.6). */
export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

/** Text in pieces of a few characters, as a model's tokens come; never empty strings. */
export function fragments(text: string): readonly string[] {
  // A long text is one fragment: that is what a huge delta is.
  return text.length > 10_000 ? [text] : (text.match(/[^]{1,6}/gu) ?? []);
}
