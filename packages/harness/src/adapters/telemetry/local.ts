// Telemetry of a process that sends nothing: a span is its ids, for whoever is told of them; metrics are added up here
// until somebody looks. OpenTelemetry's own packages take a quarter of a second of processor to load, so nothing of
// them is loaded before the first look, which has them write the text.

import { AsyncLocalStorage } from "node:async_hooks";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import { METRICS, type GaugeName, type MetricName } from "../../core/telemetry/names.ts";
import { formatTraceparent, parseTraceparent, type TraceParent } from "../../core/telemetry/traceparent.ts";
import type { Attributes, GaugeReading, Random } from "../../ports.ts";
import { cleaned } from "./cleaned.ts";
import type { OtelTelemetry } from "./otel.ts";

export type LocalOptions = {
  readonly redact: (text: string) => string;
  readonly random: Random;
};

/** Sets of labels of one metric; what is past them is counted together, as the vendor's code does. */
const SERIES_MAX = 2_000;
const OVERFLOW: Attributes = { "otel.metric.overflow": true };

type Series = {
  readonly attributes: Attributes;
  count: number;
  sum: number;
  /** By bucket, the last one for what is above all boundaries; empty for a counter. */
  readonly counts: number[];
};

type Watched = readonly [metric: GaugeName, read: () => Promise<readonly GaugeReading[]>];

/** The same as `openOtel` without a collector, to everybody who asks. */
export function openLocal({ redact, random }: LocalOptions): OtelTelemetry {
  const current = new AsyncLocalStorage<TraceParent>();
  const sums = new Map<MetricName, Map<string, Series>>();
  const watched: Watched[] = [];
  const hex = (bytes: number): string => Buffer.from(random.bytes(bytes)).toString("hex");
  const add = (metric: MetricName, value: number, attributes: Attributes): void => {
    const series = seriesOf(sums, metric, cleaned(attributes, redact));
    series.count += 1;
    series.sum += value;
    const bucket = bucketOf(metric, value);
    if (bucket !== null) series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
  };
  return {
    start: (_name, { parent }) => {
      const above = parent === undefined ? current.getStore() : parseTraceparent(parent);
      const span: TraceParent = {
        traceId: above?.traceId ?? hex(16),
        spanId: hex(8),
        sampled: above?.sampled ?? true,
      };
      return {
        traceparent: formatTraceparent(span),
        set: () => undefined,
        fail: () => undefined,
        run: (work) => current.run(span, work),
        end: () => undefined,
      };
    },
    traceparent: () => {
      const span = current.getStore();
      return span === undefined ? null : formatTraceparent(span);
    },
    current: () => {
      const span = current.getStore();
      return span === undefined ? null : { trace_id: span.traceId, span_id: span.spanId };
    },
    count: (metric, attributes, by = 1) => {
      add(metric, by, attributes);
    },
    record: add,
    watch: (metric, read) => {
      watched.push([metric, read]);
    },
    prometheus: async () => await written(sums, watched, redact),
    stop: async () => {
      await Promise.resolve();
    },
  };
}

function seriesOf(
  sums: Map<MetricName, Map<string, Series>>,
  metric: MetricName,
  attributes: Attributes,
): Series {
  let ofMetric = sums.get(metric);
  if (ofMetric === undefined) sums.set(metric, (ofMetric = new Map()));
  const key = keyOf(attributes);
  const known = ofMetric.get(key);
  if (known !== undefined) return known;
  // One place is kept for all that come too late.
  if (ofMetric.size >= SERIES_MAX - 1 && attributes !== OVERFLOW) return seriesOf(sums, metric, OVERFLOW);
  const series: Series = { attributes, count: 0, sum: 0, counts: bucketsOf(metric).map(() => 0) };
  if (series.counts.length > 0) series.counts.push(0);
  ofMetric.set(key, series);
  return series;
}

const keyOf = (attributes: Attributes): string => JSON.stringify(Object.entries(attributes).toSorted(byName));
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

function bucketsOf(metric: MetricName): readonly number[] {
  const row = METRICS[metric];
  return "buckets" in row ? row.buckets : [];
}

/** A boundary belongs to what is below it. Null for what is no histogram. */
function bucketOf(metric: MetricName, value: number): number | null {
  const boundaries = bucketsOf(metric);
  if (boundaries.length === 0) return null;
  const at = boundaries.findIndex((boundary) => value <= boundary);
  return at === -1 ? boundaries.length : at;
}

async function written(
  sums: ReadonlyMap<MetricName, ReadonlyMap<string, Series>>,
  watched: readonly Watched[],
  redact: (text: string) => string,
): Promise<string> {
  const [{ PrometheusSerializer }, { resourceFromAttributes }, vendor] = await Promise.all([
    import("@opentelemetry/exporter-prometheus"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/sdk-metrics"),
  ]);
  const metrics: MetricData[] = [...sums].map(([name, series]) => summed(vendor, name, [...series.values()]));
  for (const [name, read] of watched) {
    const readings = await read().catch(() => []);
    if (readings.length === 0) continue;
    metrics.push({
      ...head(vendor, name),
      dataPointType: vendor.DataPointType.GAUGE,
      dataPoints: readings.map(({ value, attributes }) => point(cleaned(attributes, redact), value)),
    });
  }
  return new PrometheusSerializer("", false, undefined, true, true).serialize({
    resource: resourceFromAttributes({}),
    scopeMetrics: [{ scope: { name: "assent" }, metrics }],
  });
}

type Vendor = typeof import("@opentelemetry/sdk-metrics");

function summed(vendor: Vendor, name: MetricName, series: readonly Series[]): MetricData {
  if (METRICS[name].kind === "counter")
    return {
      ...head(vendor, name),
      dataPointType: vendor.DataPointType.SUM,
      isMonotonic: true,
      dataPoints: series.map(({ attributes, sum }) => point(attributes, sum)),
    };
  const boundaries = [...bucketsOf(name)];
  return {
    ...head(vendor, name),
    dataPointType: vendor.DataPointType.HISTOGRAM,
    dataPoints: series.map(({ attributes, count, sum, counts }) =>
      point(attributes, { count, sum, buckets: { boundaries, counts } }),
    ),
  };
}

function head(
  { AggregationTemporality }: Vendor,
  name: MetricName,
): Pick<MetricData, "descriptor"> & {
  readonly aggregationTemporality: MetricData["aggregationTemporality"];
} {
  const { unit, description } = METRICS[name];
  return {
    descriptor: { name, unit, description, valueType: DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
}

const DOUBLE: MetricData["descriptor"]["valueType"] = 1;
/** Prometheus takes the time at which it looks. */
const NO_TIME: [number, number] = [0, 0];

const point = <Value>(
  attributes: Attributes,
  value: Value,
): { attributes: Attributes; value: Value; startTime: [number, number]; endTime: [number, number] } => ({
  attributes,
  value,
  startTime: NO_TIME,
  endTime: NO_TIME,
});
