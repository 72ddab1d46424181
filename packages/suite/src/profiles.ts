// Sets of scenarios by name: the plan's tiers, each of which holds the ones before it, and the plan's security set.

import type { Capability } from "./capability.ts";
import type { Scenario } from "./scenario.ts";
import { isOfSecuritySet } from "./security-set.ts";

/** What any harness of the three endpoints can be asked from outside, with nothing but keys. */
const OUTSIDE: readonly Capability[] = [
  "submit",
  "approve",
  "cancel",
  "list",
  "events",
  "event_stream",
  "artifacts",
  "second_principal",
  "second_tenant",
];

export const PROFILES = {
  core: "what a harness can be asked from outside, with nothing but keys",
  tier0: "every commit",
  tier1: "every pull request: tier 0, and what is critical between the parts",
  tier2: "every night: tier 1, and outages, floods and chaos",
  tier3: "before a release: everything",
  security: "the security set, of whatever tier",
  resilience: "end to end and stress: what breaks down, and what is left of it",
} as const;

export type Profile = keyof typeof PROFILES;

const IN_PROFILE: { readonly [P in Profile]: (scenario: Scenario) => boolean } = {
  core: ({ needs }) => needs.every((need) => OUTSIDE.includes(need)),
  tier0: ({ tier }) => tier === 0,
  tier1: ({ tier }) => tier <= 1,
  tier2: ({ tier }) => tier <= 2,
  tier3: () => true,
  security: isOfSecuritySet,
  resilience: ({ phase }) => phase === "e2e" || phase === "stress",
};

export const isOfProfile = (profile: Profile, scenario: Scenario): boolean => IN_PROFILE[profile](scenario);

export const PROFILE_NAMES: readonly Profile[] = Object.keys(PROFILES).filter(
  (name): name is Profile => name in PROFILES,
);
