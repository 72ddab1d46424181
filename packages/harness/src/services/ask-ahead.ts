// Most questions were never answered, and nothing like them was: they go to a person. Those are looked up before the commit
// that asks the person, and what they leave in the memory is written with it, by the same engine under the same rules.

import {
  type AskedStore,
  type AuditEntry,
  type ConflictPattern,
  decide,
  type EscalationRecord,
  memory,
  newEscalation,
  recur,
  type Act,
} from "@assent/harmony";
import { unreachable } from "../base/assert.ts";
import type { NotedQuestion, Store, StoreTx, Unanswered } from "../ports.ts";
import { type AskedAction, asAgent, patternOf } from "./precedents.ts";

/**
 * Puts the question without a transaction.
 * @returns what has to be written with the commit that asks a person; null where it has to be asked in a transaction, for
 * it may have an answer
 */
export async function askAhead(
  store: Pick<Store, "lookUpQuestion">,
  asked: AskedAction,
  at: Date,
): Promise<NotedQuestion | null> {
  const actor = asAgent(asked.run);
  const pattern = patternOf(asked, actor, at);
  const lookUp = async (first: string): Promise<Unanswered | null> =>
    await store.lookUpQuestion(asked.run.tenant, pattern, first);
  return await putAhead(lookUp, pattern, { at, actor });
}

/** The same within the transaction that commits it. */
export async function askAheadIn(
  { questions }: Pick<StoreTx, "questions">,
  asked: AskedAction,
  at: Date,
): Promise<NotedQuestion | null> {
  const actor = asAgent(asked.run);
  const pattern = patternOf(asked, actor, at);
  return await putAhead(async (first) => await questions.lookUp(pattern, first), pattern, { at, actor });
}

/** @param lookUp by the id of the escalation's first occurrence */
export async function putAhead(
  lookUp: (first: string) => Promise<Unanswered | null>,
  pattern: ConflictPattern,
  act: Act,
): Promise<NotedQuestion | null> {
  // What the engine says where there is nothing to go by.
  const { explanation } = decide({ pattern, policies: [], exact: [], similar: [] });
  const { firstId } = newEscalation(pattern.patternId, explanation, act.actor, act.at);
  const found = await lookUp(firstId);
  return found === null ? null : await noteQuestion(found, pattern, act);
}

async function noteQuestion(
  found: Unanswered,
  pattern: ConflictPattern,
  act: Act,
): Promise<NotedQuestion | null> {
  const facts: AuditEntry[] = [];
  const escalated: Pick<NotedQuestion, "escalation" | "recorded">[] = [];
  const store: AskedStore = {
    recordPattern: async () => await Promise.resolve(!found.isKnown),
    listPolicies: async () => await Promise.resolve([]),
    listResolutions: async () => await Promise.resolve([]),
    unreadableResolutions: async () => await Promise.resolve([]),
    findSimilar: async () => await Promise.resolve([]),
    addExperience: async () => await Promise.resolve(null),
    recordEscalation: async (incoming) => {
      const record = recordOf(found.newest, incoming);
      escalated.push(record);
      const { escalation, recorded } = record;
      return await Promise.resolve({ opened: recorded === "opened", record: escalation });
    },
    appendAudit: async (entry) => {
      facts.push(entry);
      return await Promise.resolve(true);
    },
  };
  const { status } = await memory.ask(store, pattern, act);
  const [record] = escalated;
  if (status !== "escalated" || record === undefined) return null;
  return { pattern, isKnown: found.isKnown, ...record, facts };
}

function recordOf(
  newest: EscalationRecord | null,
  incoming: EscalationRecord,
): Pick<NotedQuestion, "escalation" | "recorded"> {
  if (newest === null) return { escalation: incoming, recorded: "opened" };
  const recurrence = recur(newest, incoming);
  switch (recurrence.kind) {
    case "seen_already":
      return { escalation: newest, recorded: "known" };
    case "counted":
      return { escalation: recurrence.next, recorded: "counted" };
    case "reopened":
      return { escalation: recurrence.next, recorded: "opened" };
    default:
      return unreachable(recurrence);
  }
}
