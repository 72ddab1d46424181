// Authentication is a hook of the one scope that holds all guarded routes, and a route without a declared scope stops
// the start: forgetting either is impossible by construction (after Fastify's encapsulation, spec/style.md A).

import { ROUTES, type RouteScope, SCOPES, problem } from "@assent/contract";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AssertionFailed, assert } from "../../base/assert.ts";
import type { Caller } from "../../ports.ts";
import type { Harness } from "../../services/harness.ts";
import { sendProblem } from "../answer.ts";
import { KEY_CHARS_MAX } from "../limits.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a caller's key must carry for this route. */
    scope?: RouteScope;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

// RFC 6750 section 2.1: b64token.
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Marks an instance, and those below it, whose routes demand a key. */
const GUARDED = "demandsKey";

/**
 * Stops the start when a route is neither guarded nor one of the contract's open ones.
 * @param root before anything is registered on it
 */
export function refuseUnguardedRoutes(root: FastifyInstance): void {
  root.addHook("onRoute", function check(this: FastifyInstance, route) {
    const isOpen = Object.values(ROUTES).some((row) => row.scope === "no_key" && row.path === route.url);
    const declaredOpen = route.config?.scope === "no_key";
    assert(
      declaredOpen ? isOpen : this.hasDecorator(GUARDED),
      `route ${String(route.method)} ${route.url} is open in the contract or demands a key`,
    );
  });
}

/** Makes every route that is registered on this scope, or below it, demand a key that carries the route's scope. */
export function requireKeys(scope: FastifyInstance, harness: Pick<Harness, "authenticate">): void {
  scope.decorate(GUARDED, true);
  scope.decorateRequest("caller", null);
  scope.addHook("onRoute", (route) => {
    const declared = route.config?.scope;
    if (declared === "any_key" || SCOPES.some((known) => known === declared)) return;
    throw new AssertionFailed(`route ${String(route.method)} ${route.url} declares which scope it needs`);
  });
  scope.addHook("onRequest", async (request, reply) => await authenticate(request, reply, harness));
}

async function authenticate(
  request: FastifyRequest,
  reply: FastifyReply,
  harness: Pick<Harness, "authenticate">,
): Promise<FastifyReply | undefined> {
  const needed = request.routeOptions.config.scope;
  const key = bearerKey(request);
  const caller = key === null ? null : await harness.authenticate(key);
  if (caller === null)
    return await sendProblem(
      reply,
      problem(
        "unauthenticated",
        key === null
          ? "The request carries no `Authorization: Bearer` header with a key."
          : "The key is unknown, expired or revoked.",
      ),
      key === null ? {} : { "www-authenticate": 'Bearer realm="assent", error="invalid_token"' },
    );
  if (needed !== "any_key" && !caller.scopes.some((held) => held === needed))
    return await sendProblem(reply, problem("scope_missing", `This needs the scope \`${String(needed)}\`.`), {
      "www-authenticate": `Bearer realm="assent", error="insufficient_scope", scope="${String(needed)}"`,
    });
  request.caller = caller;
  return undefined;
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
