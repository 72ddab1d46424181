// Where tenants are told of what happens, as the store keeps it and services see it.

import type {
  Actor,
  Delivery,
  DeliveryId,
  DeliveryStatus,
  PrincipalId,
  TenantId,
  WebhookEvent,
  WebhookId,
} from "@assent/contract";
import type { Result } from "../base/result.ts";

export type NewWebhook = {
  readonly id: WebhookId;
  readonly url: string;
  /** 16 bytes that go before the URL into its digest; null: an older program made it, and there is none. */
  readonly urlSalt: Uint8Array | null;
  readonly events: readonly WebhookEvent[];
  readonly description: string;
  readonly createdAt: Date;
  readonly createdBy: PrincipalId;
};

export type WebhookRecord = Omit<NewWebhook, "createdBy"> & {
  /** Null: messages are sent to it. */
  readonly offBecause: "gone" | null;
  /** Of its secret, from 1. */
  readonly generation: number;
  readonly previousUntil: Date | null;
  readonly failures: number;
  readonly pausedUntil: Date | null;
  readonly createdBy: Actor;
};

/** Of a message among those of its webhook. */
export type DeliveryPlace = { readonly createdAt: Date; readonly id: DeliveryId };

export type NewDelivery = {
  readonly id: DeliveryId;
  readonly type: string;
  readonly at: Date;
  readonly data: Readonly<Record<string, unknown>>;
};

/** What an attempt came to. */
export type AttemptEnd = {
  readonly delivery: DeliveryId;
  /** Which attempt it was: one that is not the last any more ends nothing. */
  readonly attempt: number;
  readonly at: Date;
  readonly status: number | null;
} & (
  | { readonly end: "delivered" }
  /** The receiver wants no more of any; this one waits. */
  | { readonly end: "gone" }
  /** Called off by us: it counts for nothing. */
  | { readonly end: "handed_back" }
  | {
      readonly end: "failed";
      readonly failure: string;
      /** When it is tried again; null: not any more. */
      readonly again: Date | null;
      /** Until when nothing is sent to its webhook. */
      readonly pausedUntil: Date;
    }
);

/** A tenant's webhooks, within a transaction. Those that were removed are not there. */
export type WebhookRows = {
  /** False where the tenant has as many as it may. */
  insert(webhook: NewWebhook): Promise<boolean>;
  list(): Promise<readonly WebhookRecord[]>;
  find(id: WebhookId): Promise<WebhookRecord | null>;
  /** Like find, and nobody else can change or remove it until this transaction ends. */
  lock(id: WebhookId): Promise<WebhookRecord | null>;
  /** The secret's next generation; the present one is good until then. */
  rotate(id: WebhookId, previousUntil: Date): Promise<void>;
  enable(id: WebhookId): Promise<void>;
  /** What waits for it is given up: so much of it at once, the rest when it is old. */
  remove(id: WebhookId, at: Date): Promise<void>;
  note(id: WebhookId, delivery: NewDelivery): Promise<void>;
  /** Newest first. */
  deliveries(
    id: WebhookId,
    status: DeliveryStatus | null,
    before: DeliveryPlace | null,
    limit: number,
  ): Promise<readonly Delivery[]>;
  /** How many of these messages are this webhook's. */
  countOf(id: WebhookId, deliveries: readonly DeliveryId[]): Promise<number>;
  /**
   * Makes messages new again that have ended.
   * @param deliveries null: those that are dead, the oldest first, so many at most (`REDELIVERED_MAX`)
   * @returns how many; those that wait anyway are not among them
   */
  redeliver(id: WebhookId, deliveries: readonly DeliveryId[] | null, at: Date): Promise<number>;
  /** False where it ended before, or another attempt has begun since. */
  endAttempt(end: AttemptEnd): Promise<boolean>;
};

/** A message that is to be sent now, by whoever took it. */
export type DueDelivery = {
  readonly tenant: TenantId;
  readonly webhook: WebhookId;
  readonly url: string;
  readonly generation: number;
  readonly previousUntil: Date | null;
  /** Of the webhook, in a row. */
  readonly failures: number;
  readonly id: DeliveryId;
  readonly type: string;
  readonly at: Date;
  readonly data: unknown;
  /** From 1; the fencing token of this attempt. */
  readonly attempt: number;
  /** The same without those that say nothing of the receiver. */
  readonly counted: number;
};

export type TakeDeliveries = {
  readonly at: Date;
  /** Whoever took a message and has not said by then what became of it is taken for dead. */
  readonly until: Date;
  /** To these nothing more is sent at present. */
  readonly busy: readonly WebhookId[];
  /** A tenant for each message that the process sends at present: whoever has the fewest is first. */
  readonly sending: readonly TenantId[];
  readonly most: number;
  /** Of one webhook. */
  readonly mostOfOne: number;
};

/** Messages of all tenants, for whoever sends them. */
export type DeliveryQueue = {
  /** One statement; what it takes nobody else takes until then. @throws StoreUnavailable */
  take(taking: TakeDeliveries): Promise<readonly DueDelivery[]>;
  /** Since when the message could be sent that waits longest; null where none waits but for its time, or its receiver's. */
  oldest(at: Date): Promise<Date | null>;
  /**
   * Gives up what is older than that and was never taken, and removes what ended before; neither by a clock that is ahead of the
   * database's.
   * @param most of each
   * @returns how many
   */
  sweep(
    times: { readonly at: Date; readonly deadBefore: Date; readonly goneBefore: Date },
    most: number,
  ): Promise<number>;
};

/** A receiver's answer; its body is not read. */
export type WebhookAnswer = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly date: string | null;
};

export type WebhookPost = {
  /** Whether anything may be sent to the URL, as far as can be told without asking anybody. @returns the URL as it is kept */
  check(url: string): Result<string, string>;
  /**
   * @returns the answer, or a stable name of why there is none
   */
  send(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Result<WebhookAnswer, string>>;
};
