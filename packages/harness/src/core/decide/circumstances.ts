// What is known of a call beside its values: what the requester's words say of its tool, and what the run did before.

import { canonicalJson } from "../../base/canonical-json.ts";
import type { Circumstances } from "./action-request.ts";
import { isToolStep, type Journal, type ToolStep } from "../run/journal.ts";

type Call = { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

export function circumstancesOf(
  call: Call,
  {
    named,
    pieced,
    alarm,
  }: Required<Pick<Circumstances, "pieced" | "alarm">> & { readonly named: ReadonlySet<string> },
  journal: Journal,
): Circumstances {
  const earlier = journal.filter(
    (step): step is ToolStep => isToolStep(step) && step.name === call.tool && isMade(step),
  );
  const key = earlier.length === 0 ? "" : keyOf(call.arguments);
  return {
    named: named.has(call.tool) || earlier.some(({ request }) => request.judgement?.tainted === false),
    repeated: earlier.some(({ request }) => keyOf(request.action.arguments) === key),
    pieced,
    alarm,
  };
}

/** Under way, done, or nobody knows. What failed may be tried again. */
const isMade = ({ state }: ToolStep): boolean => state !== "refused" && state !== "failed";

// A run of thousands of calls is compared with at every further one; each is put into its form once.
const KEYS = new WeakMap<Readonly<Record<string, unknown>>, string>();

function keyOf(args: Readonly<Record<string, unknown>>): string {
  const known = KEYS.get(args);
  if (known !== undefined) return known;
  const key = canonicalJson(args);
  KEYS.set(args, key);
  return key;
}
