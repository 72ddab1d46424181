// What a target tells an OpenTelemetry collector, received over the real wire (OTLP/HTTP, in JSON or protobuf): an oracle
// for traces and metrics that stands outside of the target.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { type Fields, isFields, listOf, textOf } from "./faults/conversation.ts";
import { readOtlp } from "./otlp-protobuf.ts";

export type ReceivedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
};

export type OtlpReceiver = {
  readonly url: string;
  /** In the order in which they arrived; a span arrives when it has ended. */
  readonly spans: readonly ReceivedSpan[];
  /** Names of metrics that arrived. */
  readonly metrics: ReadonlySet<string>;
  /** Every body as it came, for looking for what must not be in it. */
  readonly bodies: readonly string[];
  stop(): Promise<void>;
};

/**
 * Listens on the loopback interface; its URL is what OTEL_EXPORTER_OTLP_ENDPOINT wants.
 * @param port 0: any that is free
 */
export async function startOtlpReceiver(port: number = 0): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const metrics = new Set<string>();
  const bodies: string[] = [];
  const server = createServer((message, response) => {
    void (async () => {
      const taken = await take(message);
      if (taken.body === null) {
        response.writeHead(taken.status, { "content-type": "text/plain" }).end(taken.why);
        return;
      }
      bodies.push(taken.text);
      spans.push(...spansOf(taken.body));
      for (const name of metricsOf(taken.body)) metrics.add(name);
      // No message of a partial success: an empty one of the form that was sent.
      response.writeHead(200, { "content-type": taken.type }).end(taken.type === JSON_TYPE ? "{}" : "");
    })();
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the receiver has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    metrics,
    bodies,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";
/** A batch of spans has kilobytes; what unpacks to more is none. */
const BODY_BYTES_MAX = 64_000_000;

type Taken =
  | { readonly body: Fields; readonly text: string; readonly type: string }
  | { readonly body: null; readonly status: number; readonly why: string };

const refuse = (status: number, why: string): Taken => ({ body: null, status, why: `${why}\n` });

async function take(message: IncomingMessage): Promise<Taken> {
  const type = (message.headers["content-type"] ?? "").split(";")[0]?.trim();
  const sent = await readBody(message);
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE)
    return refuse(415, "OTLP is taken as JSON or protobuf over HTTP: OTEL_EXPORTER_OTLP_PROTOCOL=http/json.");
  const bytes = sent === null ? null : unpack(sent, message.headers["content-encoding"] ?? "identity");
  if (bytes === null)
    return refuse(415, `OTLP is taken as it is or in gzip, of ${BODY_BYTES_MAX} bytes at most.`);
  // Texts stand in protobuf as they are, so what must not be in a body is found in this one, too.
  const text = bytes.toString("utf8");
  const body = type === JSON_TYPE ? parsed(text) : readOtlp(pathOf(message), bytes);
  return body === null ? refuse(400, "The body is no message of OTLP.") : { body, text, type };
}

const pathOf = ({ url }: IncomingMessage): string => new URL(url ?? "/", "http://localhost").pathname;

function unpack(bytes: Buffer, encoding: string): Buffer | null {
  if (encoding === "identity") return bytes;
  if (encoding !== "gzip") return null;
  try {
    return gunzipSync(bytes, { maxOutputLength: BODY_BYTES_MAX });
  } catch {
    return null;
  }
}

/** Null where there is too much. */
async function readBody(message: IncomingMessage): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return size > BODY_BYTES_MAX ? null : Buffer.concat(chunks);
}

function parsed(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

const below = (value: unknown, name: string): readonly Fields[] =>
  isFields(value) ? listOf(value[name]).filter(isFields) : [];

const spansOf = (body: Fields): readonly ReceivedSpan[] =>
  below(body, "resourceSpans")
    .flatMap((resource) => below(resource, "scopeSpans"))
    .flatMap((scope) => below(scope, "spans"))
    .map((span) => ({
      traceId: textOf(span["traceId"]),
      spanId: textOf(span["spanId"]),
      parentSpanId: textOf(span["parentSpanId"]),
      name: textOf(span["name"]),
      kind: typeof span["kind"] === "number" ? span["kind"] : 0,
      attributes: Object.fromEntries(
        below(span, "attributes").map((entry) => [textOf(entry["key"]), valueOf(entry["value"])]),
      ),
      links: below(span, "links").map((link) => ({
        traceId: textOf(link["traceId"]),
        spanId: textOf(link["spanId"]),
      })),
      isError: isFields(span["status"]) && span["status"]["code"] === STATUS_ERROR,
    }));

const STATUS_ERROR = 2;

const metricsOf = (body: Fields): readonly string[] =>
  below(body, "resourceMetrics")
    .flatMap((resource) => below(resource, "scopeMetrics"))
    .flatMap((scope) => below(scope, "metrics"))
    .map((metric) => textOf(metric["name"]));

// `{stringValue: "x"}`, `{intValue: 3}`: the one member is the value.
const valueOf = (value: unknown): unknown => (isFields(value) ? Object.values(value)[0] : undefined);
