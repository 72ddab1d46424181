/** Stands for a query that cannot be decoded. No schema knows it, so validation refuses the request with 400. */
const UNREADABLE = " unreadable";

/**
 * Strict where Fastify's own is lenient: broken percent-encoding is a fault, not text. Must not throw: the router
 * calls it outside of any error handling.
 */
export function parseQuery(text: string): Record<string, unknown> {
  // Without a prototype, so that `__proto__` is a name like any other.
  const parsed: Record<string, unknown> = { __proto__: null };
  if (text === "") return parsed;
  const values = new Map<string, string[]>();
  for (const part of text.split("&")) {
    const equals = part.indexOf("=");
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    const value = decode(equals === -1 ? "" : part.slice(equals + 1));
    if (name === null || value === null) return { [UNREADABLE]: "" };
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else list.push(value);
  }
  for (const [name, list] of values) parsed[name] = list.length === 1 ? list[0] : list;
  return parsed;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
