// What a target tells an OpenTelemetry collector, received over the real wire (OTLP/HTTP in JSON): an oracle for
// traces and metrics that stands outside of the target.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type Fields, isFields, listOf, textOf } from "./faults/conversation.ts";

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
      if (!isPlainJson(message)) {
        message.resume();
        response.writeHead(415, { "content-type": "text/plain" }).end(ONLY_JSON);
        return;
      }
      const text = await readBody(message);
      bodies.push(text);
      const body = parsed(text);
      spans.push(...spansOf(body));
      for (const name of metricsOf(body)) metrics.add(name);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
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

const ONLY_JSON = "OTLP is taken as uncompressed JSON: set OTEL_EXPORTER_OTLP_PROTOCOL=http/json.\n";

const isPlainJson = ({ headers }: IncomingMessage): boolean =>
  (headers["content-type"] ?? "").startsWith("application/json") &&
  ["identity", undefined].includes(headers["content-encoding"]);

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : {};
  } catch {
    return {};
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
