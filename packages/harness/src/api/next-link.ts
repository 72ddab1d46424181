import type { FastifyReply } from "fastify";

/** Names the next page of a list without filters in a header, where there is one (RFC 8288). */
export function addNextLink(
  reply: FastifyReply,
  path: string,
  limit: number,
  nextCursor: string | null,
): void {
  if (nextCursor === null) return;
  const next = new URLSearchParams({ limit: String(limit), cursor: nextCursor });
  reply.header("link", `<${path}?${next.toString()}>; rel="next"`);
}
