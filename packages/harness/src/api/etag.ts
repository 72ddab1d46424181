/**
 * Whether `If-None-Match` names the entity tag (RFC 9110 section 13.1.2, weak comparison).
 * @param etag with its quotes; holds no comma
 */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
