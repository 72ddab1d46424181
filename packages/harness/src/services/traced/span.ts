import type { OpenSpan, SpanOptions, Telemetry } from "../../ports.ts";

/** Runs `work` inside a span that ends with it; what it throws marks the span with the error's name. */
export async function inSpan<T>(
  telemetry: Telemetry,
  name: string,
  options: SpanOptions,
  work: (span: OpenSpan) => Promise<T>,
): Promise<T> {
  const span = telemetry.start(name, options);
  try {
    return await span.run(async () => await work(span));
  } catch (error) {
    span.fail(error instanceof Error ? error.name : "unknown");
    throw error;
  } finally {
    span.end();
  }
}
