import type { FastifyRequest } from "fastify";

/** All that a signature can cover or consist of. */
const FIELDS = ["content-digest", "content-type", "idempotency-key", "signature", "signature-input"] as const;

export function signedFields(request: FastifyRequest): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const name of FIELDS) {
    const value = request.headers[name];
    // More than one of a kind is refused before (hooks/guard.ts); joined, they would be no field of ours.
    if (value !== undefined) fields.set(name, (Array.isArray(value) ? value.join(", ") : value).trim());
  }
  return fields;
}
