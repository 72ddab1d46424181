// Content negotiation, RFC 9110 section 12.5.1.

/**
 * How much the client wants the media type, 0 to 1; 0 means not at all. A missing header wants everything.
 * @param mediaType without parameters, in lower case
 */
export function acceptQuality(header: string | undefined, mediaType: string): number {
  if (header === undefined) return 1;
  const family = `${mediaType.slice(0, mediaType.indexOf("/"))}/*`;
  const wanted = new Map(header.split(",").map(parseRange));
  // The most specific range decides: `*/*, application/json;q=0` refuses JSON.
  return wanted.get(mediaType) ?? wanted.get(family) ?? wanted.get("*/*") ?? 0;
}

function parseRange(text: string): [string, number] {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  if (weight === undefined) return [range, 1];
  const digits = weight.slice(2);
  return [range, /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(digits) ? Number(digits) : 0];
}
