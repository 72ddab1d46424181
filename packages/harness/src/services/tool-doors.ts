// The way to a tool outside, for one tenant's calls: past the breaker for all, and past that tenant's own. What one tenant
// makes a tool answer shuts it for that tenant and for nobody else; how many words it takes to shut it for all, and how they
// are forgotten, says core/resilience/for-all.ts. Both are rows, as those of providers are, so every process knows of them.

import type { TenantId } from "@assent/contract";
import { digestOf } from "../base/digest.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Ending } from "../core/resilience/breaker.ts";
import { afterAnswerToAny, afterWord, shutForAllMs } from "../core/resilience/for-all.ts";
import { type ProviderSettings, settingsFor } from "../core/resilience/settings.ts";
import { type Clock, OWN_BREAKERS } from "../ports.ts";
import type { Gates, Shut } from "./models/gates.ts";

/** Peers share so many breakers: a model that invents hosts of a listed domain must not fill the table. */
const PEER_BREAKERS = 256;

/** Of a breaker for all, among those of providers. */
const FOR_ALL = "all-";

export type ToolCaller = {
  readonly tool: string;
  readonly peer: string | null;
  readonly tenant: TenantId | null;
};
export type DoorPorts = {
  readonly gates: Pick<Gates, "enter" | "look" | "tell">;
  readonly clock: Clock;
  readonly settings: ProviderSettings;
};
export type Entered = { leave(ending: Ending): Promise<void> };

/** What the names of one tenant's breakers begin with. A digest: whoever reads the table learns of no tenant. */
export const ownBreakers = (tenant: TenantId | null): string =>
  `${OWN_BREAKERS}${hexOf("tenant", tenant ?? "", 24)}-`;

export async function enterTool(
  { gates, clock, settings }: DoorPorts,
  { tool, peer, tenant }: ToolCaller,
  isRetry: boolean,
  signal: AbortSignal,
): Promise<Result<Entered, Pick<Shut, "code">>> {
  const name = nameOf(tool, peer);
  const ofAll = `${FOR_ALL}${name}`;
  const { breaker } = settingsFor(settings, ofAll);
  if (shutForAllMs(await gates.look(ofAll), clock.now(), breaker) > 0) return err({ code: "provider_open" });
  const own = `${ownBreakers(tenant)}${name}`;
  const passed = await gates.enter(own, { who: own, isRetry, signal });
  if (!passed.ok) return passed;
  return ok({
    leave: async (ending) => {
      const hasOpened = await passed.value.leave(ending, null);
      if (hasOpened)
        await gates.tell(ofAll, (before) => afterWord(before, ownBreakers(tenant), clock.now(), breaker));
      else if (ending.ended === "answered" && (await gates.look(ofAll)).failures > 0)
        await gates.tell(ofAll, afterAnswerToAny);
    },
  });
}

/** Names of breakers are short; the digest tells apart what the cut makes alike. */
function nameOf(tool: string, peer: string | null): string {
  const slug = tool
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 16);
  const place = peer === null ? "" : ` ${Number.parseInt(hexOf("peer", peer, 8), 16) % PEER_BREAKERS}`;
  return `tool-${slug}-${hexOf("tool", `${tool}${place}`, 8)}`;
}

const hexOf = (of: string, text: string, length: number): string =>
  digestOf(`${of}-breaker`, text).slice("sha256:".length, "sha256:".length + length);
