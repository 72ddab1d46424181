// OpenTelemetry below the telemetry port: spans and metrics over OTLP (HTTP), metrics also in Prometheus' format.
// Nothing global is registered: two harnesses in one process tell apart what is whose.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Counter,
  type Histogram,
  type ObservableGauge,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { METRICS, type MetricName } from "../../core/telemetry/names.ts";
import { formatTraceparent, parseTraceparent } from "../../core/telemetry/traceparent.ts";
import { cleaned } from "./cleaned.ts";
import type { Attributes, OpenSpan, SpanOptions, Telemetry } from "../../ports.ts";

export type OtelOptions = {
  /** Base URL of a collector (`http://host:4318`); where there is none, see `openLocal`. */
  readonly endpoint: string;
  /** Sent with every export: whatever the collector wants for a credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceVersion: string;
  /** Names this process among others. */
  readonly instance: string;
  readonly redact: (text: string) => string;
  /** Between exports of spans. */
  readonly exportIntervalMs?: number;
  readonly metricIntervalMs?: number;
};

export type OtelTelemetry = Telemetry & {
  /** The trace and span under way, for log records. */
  current(): { readonly trace_id: string; readonly span_id: string } | null;
  /** Sends what is left. Does not reject: telemetry that cannot be sent is no reason to fail. */
  stop(): Promise<void>;
};

/** A span's attribute that is longer is cut: a prompt in a span must not be a prompt per span of megabytes. */
const ATTRIBUTE_CHARS_MAX = 32_000;
const EXPORT_INTERVAL_MS = 15_000;
const EXPORT_TIMEOUT_MS = 10_000;

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const;

type Current = { readonly span: Span; readonly shared: Attributes };

export function openOtel(options: OtelOptions): OtelTelemetry {
  const { redact } = options;
  const current = new AsyncLocalStorage<Current>();
  const { tracers, meters, scraper } = openProviders(options);
  const tracer = tracers.getTracer("assent", options.serviceVersion);
  const instruments = createInstruments(meters, options.serviceVersion);
  const clean = (attributes: Attributes): Attributes => cleaned(attributes, redact);

  const start = (name: string, spanOptions: SpanOptions): OpenSpan => {
    const above = current.getStore();
    const shared = { ...above?.shared, ...clean(spanOptions.shared ?? {}) };
    const parent =
      spanOptions.parent === undefined ? above?.span.spanContext() : contextOf(spanOptions.parent);
    const span = tracer.startSpan(
      redact(name),
      {
        kind: KINDS[spanOptions.kind],
        ...(spanOptions.startedAt === undefined ? {} : { startTime: spanOptions.startedAt }),
        attributes: { ...shared, ...clean(spanOptions.attributes ?? {}) },
        links: (spanOptions.links ?? []).flatMap((link) => {
          const context = contextOf(link);
          return context === undefined ? [] : [{ context }];
        }),
      },
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    return {
      traceparent: traceparentOf(span.spanContext()),
      set: (attributes) => void span.setAttributes(clean(attributes)),
      fail: (type) => {
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.setAttribute("error.type", redact(type));
      },
      run: (work) => current.run({ span, shared }, work),
      end: () => {
        span.end();
      },
    };
  };

  return {
    start,
    traceparent: () => {
      const span = current.getStore()?.span;
      return span === undefined ? null : traceparentOf(span.spanContext());
    },
    current: () => {
      const context = current.getStore()?.span.spanContext();
      return context === undefined ? null : { trace_id: context.traceId, span_id: context.spanId };
    },
    count: (metric, attributes, by = 1) => {
      instruments.counters[metric]?.add(by, clean(attributes));
    },
    record: (metric, value, attributes) => {
      instruments.histograms[metric]?.record(value, clean(attributes));
    },
    watch: (metric, read) => {
      instruments.gauges[metric]?.addCallback(async (result) => {
        for (const { value, attributes } of await read().catch(() => []))
          result.observe(value, clean(attributes));
      });
    },
    prometheus: async () => {
      const { resourceMetrics } = await scraper.collect();
      return new PrometheusSerializer("", false, undefined, true, true).serialize(resourceMetrics);
    },
    stop: async () => {
      await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
    },
  };
}

type Providers = {
  readonly tracers: TracerProvider;
  readonly meters: MeterProvider;
  readonly scraper: PrometheusExporter;
};

function openProviders(options: OtelOptions): Providers {
  const { endpoint, headers, serviceVersion, instance } = options;
  const resource = resourceFromAttributes({
    "service.name": "assent",
    "service.version": serviceVersion,
    "service.instance.id": instance,
  });
  // Behind our own route and key; it opens no port of its own.
  const scraper = new PrometheusExporter({ preventServerStart: true });
  const base = endpoint.replace(/\/+$/, "");
  const timeoutMillis = EXPORT_TIMEOUT_MS;
  const metricIntervalMs = options.metricIntervalMs ?? EXPORT_INTERVAL_MS;
  const sender = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics`, headers: { ...headers }, timeoutMillis }),
    exportIntervalMillis: metricIntervalMs,
    exportTimeoutMillis: Math.min(timeoutMillis, metricIntervalMs),
  });
  const exporter = new OTLPTraceExporter({
    url: `${base}/v1/traces`,
    headers: { ...headers },
    timeoutMillis,
  });
  return {
    tracers: new TracerProvider({
      resource,
      spanLimits: { attributeValueLengthLimit: ATTRIBUTE_CHARS_MAX },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter,
          ...(options.exportIntervalMs === undefined
            ? {}
            : { scheduledDelayMillis: options.exportIntervalMs }),
        }),
      ],
    }),
    meters: new MeterProvider({ resource, readers: [scraper, sender], views: bucketViews() }),
    scraper,
  };
}

const bucketViews = (): ViewOptions[] =>
  Object.entries(METRICS).flatMap(([name, row]) =>
    "buckets" in row
      ? [
          {
            instrumentName: name,
            aggregation: {
              type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
              options: { boundaries: [...row.buckets] },
            },
          },
        ]
      : [],
  );

type Instruments = {
  readonly counters: { readonly [Name in MetricName]?: Counter };
  readonly histograms: { readonly [Name in MetricName]?: Histogram };
  readonly gauges: { readonly [Name in MetricName]?: ObservableGauge };
};

function createInstruments(meters: MeterProvider, version: string): Instruments {
  const meter = meters.getMeter("assent", version);
  const counters: { [Name in MetricName]?: Counter } = {};
  const histograms: { [Name in MetricName]?: Histogram } = {};
  const gauges: { [Name in MetricName]?: ObservableGauge } = {};
  for (const name of METRIC_NAMES) {
    const { kind, unit, description } = METRICS[name];
    if (kind === "counter") counters[name] = meter.createCounter(name, { unit, description });
    else if (kind === "gauge") gauges[name] = meter.createObservableGauge(name, { unit, description });
    else histograms[name] = meter.createHistogram(name, { unit, description });
  }
  return { counters, histograms, gauges };
}

const isMetricName = (name: string): name is MetricName => Object.hasOwn(METRICS, name);
const METRIC_NAMES: readonly MetricName[] = Object.keys(METRICS).filter(isMetricName);

function contextOf(traceparent: string | null): SpanContext | undefined {
  const parsed = parseTraceparent(traceparent);
  if (parsed === null) return undefined;
  const context: SpanContext = {
    traceId: parsed.traceId,
    spanId: parsed.spanId,
    traceFlags: parsed.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  formatTraceparent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
