// Metrics as Prometheus' text format says them, and how much a counter rose between two readings of one process.

/** Value by series: the name and its labels, sorted, as `name{a="1",b="2"}`. */
export type Series = ReadonlyMap<string, number>;

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** @returns null for a text that is not of the format */
export function readPrometheus(text: string): Series | null {
  const series = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, labels = "", value = ""] = LINE.exec(line) ?? [];
    const number = value === "+Inf" ? Infinity : Number(value);
    if (name === undefined || Number.isNaN(number)) return null;
    const sorted = [...labels.matchAll(LABEL)].map(([whole]) => whole).toSorted();
    series.set(`${name}{${sorted.join(",")}}`, number);
  }
  return series;
}

/**
 * By how much all series of a name rose that carry these labels.
 * @param name as in the text, with `_total` or `_count`
 */
export function riseOf(
  before: Series,
  after: Series,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let rise = 0;
  for (const [series, value] of after) {
    if (!series.startsWith(`${name}{`)) continue;
    const own = series.slice(name.length + 1, -1);
    const carried = [...own.matchAll(LABEL)].map(([whole]) => whole);
    if (wanted.every((label) => carried.includes(label))) rise += value - (before.get(series) ?? 0);
  }
  return rise;
}
