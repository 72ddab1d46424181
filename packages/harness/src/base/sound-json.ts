// JSON from outside that can be journaled, digested and shown as it is.

/**
 * Whether a value that JSON.parse gave is one everywhere: no lone surrogate or NUL in any text (Postgres takes neither),
 * no number that no JSON can say again (JSON.parse turns 1e999 into Infinity), no member `__proto__` (an own property
 * here, it becomes the prototype in the first careless copy), and no more levels than that.
 */
export function isSoundJson(value: unknown, depthMax: number): boolean {
  if (depthMax < 0) return false;
  if (typeof value === "string") return isSoundText(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(
    ([key, item]) => key !== "__proto__" && isSoundText(key) && isSoundJson(item, depthMax - 1),
  );
}

const isSoundText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");
