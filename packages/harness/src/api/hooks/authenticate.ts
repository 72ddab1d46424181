// Authentication is a hook of the one scope that holds all guarded routes, and a route without a declared action stops
// the start: forgetting either is impossible by construction (after Fastify's encapsulation, spec/style.md A).

import { isApiAction, problem, type RouteAction, ROUTES, scopeOf } from "@assent/contract";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AssertionFailed, assert } from "../../base/assert.ts";
import { type Admitted, type Caller, ClockAstray, type Log, StoreUnavailable } from "../../ports.ts";
import type { Harness } from "../../services/harness.ts";
import type { AddressGuard } from "../address-guard.ts";
import { sendProblem } from "../answer.ts";
import { KEY_CHARS_MAX } from "../limits.ts";
import { addRateLimit, sendQuotaExceeded } from "../rate-limit.ts";
import { urlOf } from "../route-options.ts";
import { signedFields } from "./signed-fields.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the rules are asked about the caller of this route. */
    action?: RouteAction;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

export type Gate = {
  readonly harness: Pick<Harness, "admit" | "permits">;
  readonly addresses: AddressGuard;
  readonly log: Log;
};

// RFC 6750 section 2.1: b64token.
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Marks an instance, and those below it, whose routes demand a credential. */
const GUARDED = "demandsKey";

/**
 * Stops the start when a route is neither guarded nor one of the contract's open ones.
 * @param root before anything is registered on it
 */
export function refuseUnguardedRoutes(root: FastifyInstance): void {
  root.addHook("onRoute", function check(this: FastifyInstance, route) {
    const isOpen = Object.values(ROUTES).some((row) => row.action === "open" && urlOf(row) === route.url);
    const declaredOpen = route.config?.action === "open";
    assert(
      declaredOpen ? isOpen : this.hasDecorator(GUARDED),
      `route ${String(route.method)} ${route.url} is open in the contract or demands a key`,
    );
  });
}

/** Makes every route that is registered on this scope, or below it, demand a caller whom the rules permit its action. */
export function requireKeys(scope: FastifyInstance, gate: Gate): void {
  scope.decorate(GUARDED, true);
  scope.decorateRequest("caller", null);
  scope.decorateRequest("signingKey", null);
  scope.addHook("onRoute", (route) => {
    if (isApiAction(route.config?.action)) return;
    throw new AssertionFailed(`route ${String(route.method)} ${route.url} declares which action it is`);
  });
  scope.addHook("onRequest", async (request, reply) => await letIn(request, reply, gate));
}

async function letIn(
  request: FastifyRequest,
  reply: FastifyReply,
  gate: Gate,
): Promise<FastifyReply | undefined> {
  const { action } = request.routeOptions.config;
  assert(isApiAction(action), "a guarded route has its action");
  const flood = gate.addresses.take(request.raw.socket.remoteAddress ?? "");
  if (flood !== null) return await sendQuotaExceeded(reply, flood);
  const credential = bearerKey(request);
  let admitted: Admitted | null;
  try {
    admitted =
      credential === null
        ? null
        : await gate.harness.admit({ credential, action, fields: signedFields(request) });
  } catch (error) {
    // Who calls, or how often, cannot be told: nobody gets in.
    const isAstray = error instanceof ClockAstray;
    gate.log(
      isAstray || error instanceof StoreUnavailable ? "warn" : "error",
      "a caller could not be looked up",
      {
        request_id: request.id,
        error: error instanceof Error ? error.stack : typeof error,
      },
    );
    const detail = isAstray ? `${error.message} Nothing was done.` : "Callers cannot be looked up right now.";
    return await sendProblem(reply, problem("not_ready", detail));
  }
  if (admitted === null) return await sendUnauthenticated(reply, credential !== null);
  addRateLimit(reply, admitted.quotas);
  if (admitted.exceeded !== null) return await sendQuotaExceeded(reply, admitted.exceeded);
  const { caller } = admitted;
  if (!gate.harness.permits(caller, action)) {
    const scope = scopeOf(action);
    return await sendProblem(
      reply,
      problem("scope_missing", `This needs the scope \`${scope}\`, or a role that permits \`${action}\`.`),
      { "www-authenticate": `Bearer realm="assent", error="insufficient_scope", scope="${scope}"` },
    );
  }
  request.caller = caller;
  request.signingKey = admitted.signingKey;
  return undefined;
}

function sendUnauthenticated(reply: FastifyReply, presented: boolean): FastifyReply {
  return sendProblem(
    reply,
    problem(
      "unauthenticated",
      presented
        ? "The key is unknown, expired or revoked."
        : "The request carries no `Authorization: Bearer` header with a key.",
    ),
    presented ? { "www-authenticate": 'Bearer realm="assent", error="invalid_token"' } : {},
  );
}

/** The presented key; null where there is none of a possible form. */
export function bearerKey(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined || header.length > KEY_CHARS_MAX) return null;
  return BEARER.exec(header)?.[1] ?? null;
}

export function callerOf(request: FastifyRequest): Caller {
  assert(request.caller !== null, "a guarded route is only reached by an authenticated caller");
  return request.caller;
}
