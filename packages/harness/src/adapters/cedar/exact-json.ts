// Cedar's integers have 64 bits, JavaScript's numbers 53. The WebAssembly build takes its input through
// JSON.stringify, so a larger integer goes in as raw text (ECMAScript, "JSON.parse source text access").

declare global {
  interface JSON {
    rawJSON(text: string): object;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** Like JSON.parse, but integers that a double cannot hold come as bigint. Throws SyntaxError for what is not JSON. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? "")
      ? BigInt(context.source ?? "")
      : value,
  );
}

/**
 * A copy that JSON.stringify writes with every integer in full. A double beyond 2^53 is written as the integer it is,
 * not as the shorter one that prints the same: -2^63 would leave the range of Cedar's integers that way.
 */
export function withRawIntegers(value: unknown): unknown {
  if (typeof value === "bigint") return JSON.rawJSON(value.toString());
  if (typeof value === "number")
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? JSON.rawJSON(BigInt(value).toString())
      : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withRawIntegers);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withRawIntegers(item)]));
}
