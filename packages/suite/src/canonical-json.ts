// RFC 8785 for plain JSON. The suite has its own, small one: an oracle must not share the code that it judges.

/**
 * @param value what JSON.parse returned
 * Throws for lone surrogates, which RFC 8785 forbids.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    // Names are ordered by their UTF-16 code units (section 3.2.3), which is what sorting without a comparator does.
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
    return `{${members.map(([name, member]) => `${canonicalJson(name)}:${canonicalJson(member)}`).join(",")}}`;
  }
  if (typeof value === "string" && !value.isWellFormed()) throw new TypeError("a lone surrogate is not JSON");
  // Numbers and strings: RFC 8785 takes over what ECMAScript's JSON.stringify does (sections 3.2.2.2, 3.2.2.3).
  return JSON.stringify(value);
}
