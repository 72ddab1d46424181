// Calls that ask a person the very same thing. Digests of actions never say so: each holds its run and step, so that a yes to one
// run says nothing about another (docs/console.md). What the API shows of two questions is compared instead, all of it.

import type { Approval, Run, WaitingCall } from "@assent/contract";
import { isGrave, leavesOf } from "./leaves.ts";

/** Two values have the same text where they are the same as JSON: the order of names says nothing. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? "null";
  const named = Object.keys(value).toSorted();
  return `{${named.map((name) => `${JSON.stringify(name)}:${textOf(value[name])}`).join(",")}}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Who chose each value. In which text it stands is another place in each run. */
const originsOf = (labels: Approval["labels"]): unknown =>
  Object.fromEntries(Object.entries(labels).map(([pointer, { origin }]) => [pointer, origin]));

type Asked = Pick<WaitingCall, "status" | "outcome" | "record">;

/**
 * Whether it may be answered together with others: nothing grave, no value that untrusted text chose, and none by a model that had read
 * any. Of those each value has to be looked at where it stands.
 */
export const mayBeTogether = ({ status, outcome, record }: Asked): boolean =>
  status === "open" &&
  outcome === "unchanged" &&
  !isGrave(record) &&
  leavesOf(record.action.arguments, record.labels).every(
    ({ origin }) => origin === "trusted" || (origin === "model" && !record.tainted),
  );

/** What the list of what waits says of a question, apart from the run that it stands in. */
function callKey({ record, summary, requirement, agent_version, destination }: WaitingCall): string {
  const { action, labels, policy_version, decision, agent, tainted, askable, planned, circumstances } =
    record;
  const judged = { policy_version, decision, agent, tainted, askable, planned, circumstances };
  const asked = { action, labels: originsOf(labels), summary, requirement };
  return textOf({ asked, judged, agent_version, destination });
}

/** Those that ask what a call asks, as far as the list says; not the call itself. */
export function othersLike(calls: readonly WaitingCall[], id: string): readonly WaitingCall[] {
  const own = calls.find((call) => call.approval_id === id);
  if (own === undefined || !mayBeTogether(own)) return [];
  const key = callKey(own);
  return calls.filter((call) => call.approval_id !== id && mayBeTogether(call) && callKey(call) === key);
}

/** So many calls ask what a call asks, itself included; by approval, and only where there are others. */
export function countsOfLike(calls: readonly WaitingCall[]): ReadonlyMap<string, number> {
  const ids = Map.groupBy(calls.filter(mayBeTogether), callKey);
  return new Map(
    [...ids.values()]
      .filter((alike) => alike.length > 1)
      .flatMap((alike) => alike.map((call) => [call.approval_id, alike.length] as const)),
  );
}

/** A question with the run that it stands in, as each is told by itself. */
export type Standing = { readonly approval: Approval; readonly run: Run };

/** Of it what is compared. */
export type Compared = {
  readonly approval: Pick<
    Approval,
    | "action"
    | "decision"
    | "edited_arguments"
    | "labels"
    | "preview"
    | "requirement"
    | "status"
    | "subject"
    | "summary"
  >;
  readonly run: Pick<Run, "agent" | "agent_version" | "workspace">;
};

/** What the list does not say: what would change, and in which workspace. */
function standingKey({ approval, run }: Compared): string {
  const { action, subject, summary, preview, decision, requirement, labels } = approval;
  const { agent, agent_version, workspace } = run;
  const asked = { action, subject, summary, preview, decision, requirement, labels: originsOf(labels) };
  return textOf({ asked, agent, agent_version, workspace });
}

const isAnswerable = ({ approval: { status, subject, edited_arguments: edited } }: Compared): boolean =>
  status === "open" && subject === "action" && edited === null;

/** @returns of `othersLike` those that are alike in what the list does not say, too */
export function alikeOf<Other extends Compared>(own: Compared, others: readonly Other[]): readonly Other[] {
  if (!isAnswerable(own)) return [];
  const key = standingKey(own);
  return others.filter((other) => isAnswerable(other) && standingKey(other) === key);
}
