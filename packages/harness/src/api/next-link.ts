import type { FastifyReply } from "fastify";

/**
 * Names the next page of a list in a header, where there is one (RFC 8288).
 * @param query what the list was asked for with
 */
export function addNextLink(
  reply: FastifyReply,
  path: string,
  query: Readonly<Record<string, string>>,
  nextCursor: string | null,
): void {
  if (nextCursor === null) return;
  const next = new URLSearchParams({ ...query, cursor: nextCursor });
  reply.header("link", `<${path}?${next.toString()}>; rel="next"`);
}
