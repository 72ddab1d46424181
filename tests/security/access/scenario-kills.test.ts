// The scenario of access and quotas passes on the product, and fails when what it is there for is taken out of it.

import { vi } from "vitest";
import { proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "no quota is counted"
  | "nobody is told of quotas"
  | "scopes are not looked at"
  | "an unknown key is somebody's"
  | "nobody looks when a token ends"
  | "tokens for others are taken"
  | "a token says itself how it is signed"
  | "a public key is a shared secret";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

vi.mock(import("../../../packages/harness/src/core/access/quota.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    policiesFor: (quotas, action) =>
      real.policiesFor(broken.by === "no quota is counted" ? { ...quotas, actions: {} } : quotas, action),
  };
});

vi.mock(import("../../../packages/harness/src/api/rate-limit.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    addRateLimit: (reply, quotas) => {
      real.addRateLimit(reply, broken.by === "nobody is told of quotas" ? [] : quotas);
    },
  };
});

// A harness whose routes forget to ask: who calls, or whether they may.
vi.mock(import("../../../packages/harness/src/services/create-harness.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createHarness: (...given) => {
      const harness = real.createHarness(...given);
      let known: Awaited<ReturnType<typeof harness.admit>> = null;
      return {
        ...harness,
        admit: async (presented) => {
          const admitted = await harness.admit(presented);
          known = admitted ?? known;
          return broken.by === "an unknown key is somebody's" ? (admitted ?? known) : admitted;
        },
        permits: (caller, action) =>
          (broken.by === "scopes are not looked at" && action === "runs.submit") ||
          harness.permits(caller, action),
      };
    },
  };
});

const fieldsOf = (part: string | undefined): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8"));
  return typeof value === "object" && value !== null ? { ...value } : {};
};

/** Whether the break takes a token that the product refuses. */
function isTaken(token: string): boolean {
  const [head, body] = token.split(".");
  if (broken.by === "nobody looks when a token ends") return fieldsOf(body)["exp"] === 1_000_000_000;
  if (broken.by === "tokens for others are taken") return fieldsOf(body)["aud"] === "https://other.example";
  if (broken.by === "a token says itself how it is signed") return fieldsOf(head)["alg"] === "none";
  return broken.by === "a public key is a shared secret" && fieldsOf(head)["alg"] === "HS256";
}

vi.mock(import("../../../packages/harness/src/adapters/oidc/tokens.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openTokens: (...given) => {
      const tokens = real.openTokens(...given);
      const principal = { kind: "service", name: "suite:robot" } as const;
      return {
        verify: async (token) =>
          isTaken(token)
            ? { tenant: "default", principal, roles: ["requester"], mustSign: false }
            : await tokens.verify(token),
      };
    },
  };
});

proveKills<Break>(createInProcessTarget(), broken, [
  [
    "run_endpoint_authz_rate_limit_integration",
    "no quota is counted",
    "a burst over all servers gets exactly what the quota grants",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "nobody is told of quotas",
    "whoever is served is told the quota and what is left of it",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "scopes are not looked at",
    "a key without the route's scope gets 403",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "an unknown key is somebody's",
    "whoever shows no valid key gets 401 from every route",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "nobody looks when a token ends",
    "a token with an end that has passed gets 401",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "tokens for others are taken",
    "a token with another audience gets 401",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "a token says itself how it is signed",
    "a token with the algorithm `none` and some signature gets 401",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "a public key is a shared secret",
    "a token with the public key for an HMAC secret gets 401",
  ],
]);
