// The scenario of access and quotas passes on the product, and fails when what it is there for is taken out of it.

import { vi } from "vitest";
import { proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "no quota is counted"
  | "nobody is told of quotas"
  | "scopes are not looked at"
  | "an unknown key is somebody's";

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
]);
