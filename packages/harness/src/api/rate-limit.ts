// draft-ietf-httpapi-ratelimit-headers-11, in this one place because it is no RFC yet: two structured fields, of which
// the one says what is granted and the other what is left of it.

import { problem } from "@assent/contract";
import type { FastifyReply } from "fastify";
import type { QuotaState } from "../ports.ts";
import { sendProblem } from "./answer.ts";

/** Puts both fields on whatever will be answered. */
export function addRateLimit(reply: FastifyReply, quotas: readonly QuotaState[]): void {
  if (quotas.length > 0) reply.headers(rateLimitFields(quotas));
}

// Names of policies are ours: letters, dots and underscores, so no escapes are needed.
export function rateLimitFields(quotas: readonly QuotaState[]): Readonly<Record<string, string>> {
  const list = (item: (state: QuotaState) => string): string =>
    quotas.map((state) => `"${state.name}";${item(state)}`).join(", ");
  return {
    "ratelimit-policy": list(({ quota }) => `q=${quota.requests};w=${quota.windowSeconds}`),
    ratelimit: list(({ remaining, resetSeconds }) => `r=${remaining};t=${resetSeconds}`),
  };
}

export function sendQuotaExceeded(reply: FastifyReply, exceeded: QuotaState): FastifyReply {
  const { name, quota, resetSeconds } = exceeded;
  return sendProblem(
    reply,
    problem(
      "quota_exceeded",
      `The limit \`${name}\` is ${quota.requests} requests in ${quota.windowSeconds} seconds.`,
      { "violated-policies": [name] },
    ),
    // Never earlier than the field's `t`: whoever comes back then is served.
    { ...rateLimitFields([exceeded]), "retry-after": String(resetSeconds) },
  );
}
