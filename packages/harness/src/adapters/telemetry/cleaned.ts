import type { Attributes } from "../../ports.ts";

/** The same attributes, every text of them redacted. */
export function cleaned(attributes: Attributes, redact: (text: string) => string): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (typeof value === "string") return [name, redact(value)];
      return [name, typeof value === "object" ? value.map(redact) : value];
    }),
  );
}
