// Webhooks, held against what the events say of them: one that somebody wrote into a row tells him of all that happens, one that leads
// elsewhere tells him instead of whoever waits for it, and one that is switched off tells nobody.

import type { AccessEventKind } from "@assent/contract";
import { urlDigest } from "../../core/webhook/url-digest.ts";
import type { ExactTime, ReviewedWebhook, ReviewTx, WebhookEventRow } from "../../ports.ts";
import { exactTime } from "./exact-time.ts";
import { type HeldRows, holdRows } from "./held-rows.ts";

/** `loose`: of the URL its origin alone is known, or not when a secret that was replaced ends. */
export type ReviewedWebhooks = HeldRows;

/** What the events say that a row is. */
type Told = {
  readonly origin: unknown;
  /** Undefined: it was not said. */
  readonly urlDigest: unknown;
  readonly events: unknown;
  readonly createdAt: ExactTime;
  readonly createdBy: string | null;
  generation: unknown;
  /** Undefined: it was not said. */
  previousUntil: ExactTime | null | undefined;
  offBecause: "gone" | null;
  removedAt: ExactTime | null;
};

/** When such events were recorded, of which nobody can tell any more what they are about. */
type Erased = Map<string, Set<ExactTime>>;

const CREATED: AccessEventKind = "webhook_created";
const ROTATED: AccessEventKind = "webhook_rotated";
const ENABLED: AccessEventKind = "webhook_enabled";
const REMOVED: AccessEventKind = "webhook_removed";
const GONE: AccessEventKind = "webhook_gone";

export async function reviewWebhooks(tx: ReviewTx, tenant: string): Promise<ReviewedWebhooks> {
  const { told, erased } = follow(await tx.webhookEvents(tenant));
  return holdRows(await tx.webhooks(tenant), {
    name: "webhook",
    told,
    erasedMaking: erased.get(CREATED) ?? new Set(),
    isLoose: (known) => known.urlDigest === undefined || known.previousUntil === undefined,
    compare: (row, known) => compare(row, known, erased),
  });
}

function follow(events: readonly WebhookEventRow[]): {
  readonly told: ReadonlyMap<string, Told>;
  readonly erased: Erased;
} {
  const told = new Map<string, Told>();
  const erased: Erased = new Map();
  for (const { kind, at, actor, data } of events) {
    if (data === null) {
      erased.set(kind, (erased.get(kind) ?? new Set()).add(at));
      continue;
    }
    const { webhook_id: id, secret_generation: generation } = data;
    // What is no event of ours is named where its payload is held against the tree.
    if (typeof id !== "string") continue;
    const known = told.get(id);
    if (kind === CREATED)
      told.set(id, {
        origin: data["origin"],
        urlDigest: data["url_digest"],
        events: data["events"],
        createdAt: at,
        createdBy: actor,
        generation,
        previousUntil: null,
        offBecause: null,
        removedAt: null,
      });
    else if (known !== undefined) change(known, kind, at, data);
  }
  return { told, erased };
}

function change(told: Told, kind: string, at: ExactTime, data: Readonly<Record<string, unknown>>): void {
  if (kind === GONE) told.offBecause = "gone";
  else if (kind === ENABLED) told.offBecause = null;
  else if (kind === REMOVED) told.removedAt ??= at;
  else if (kind === ROTATED) {
    told.generation = data["secret_generation"];
    const { previous_secret_until: until } = data;
    // Events of before do not say it.
    told.previousUntil = until === undefined ? undefined : exactTime(until);
  }
}

function compare(
  row: ReviewedWebhook,
  told: Told,
  erased: Erased,
): { readonly others: readonly string[]; readonly mayBeErased: boolean } {
  const isSecretSame =
    row.generation === told.generation &&
    (told.previousUntil === undefined
      ? row.previousUntil !== null
      : row.previousUntil === told.previousUntil);
  // Each is followed, where it is another, by whether an event that was erased can be why.
  const held: readonly (readonly [what: string, isSame: boolean, isErased: boolean])[] = [
    ["URL", isUrlSame(row, told), false],
    ["list of events", JSON.stringify(row.events) === JSON.stringify(told.events), false],
    ["time of creation", row.createdAt === told.createdAt, false],
    ["creator", row.createdBy === told.createdBy, false],
    ["secret's generation, or when the one before it ends,", isSecretSame, erased.has(ROTATED)],
    ["being off or on", row.offBecause === told.offBecause, erased.has(GONE) || erased.has(ENABLED)],
    [
      "removal",
      row.removedAt === told.removedAt,
      row.removedAt !== null && erased.get(REMOVED)?.has(row.removedAt) === true,
    ],
  ];
  const others = held.filter(([, isSame]) => !isSame);
  return {
    others: others.filter(([, , isErased]) => !isErased).map(([what]) => what),
    mayBeErased: others.some(([, , isErased]) => isErased),
  };
}

function isUrlSame({ url, urlSalt }: ReviewedWebhook, told: Told): boolean {
  const origin = URL.canParse(url) ? new URL(url).origin : null;
  if (origin !== told.origin) return false;
  return told.urlDigest === undefined || (urlSalt !== null && urlDigest(urlSalt, url) === told.urlDigest);
}
