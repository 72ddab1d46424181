// Every operation of the store, and of the memory over it, through the public surface. fsync is on: writing measures the
// disk as well.

import {
  computeEscalationId,
  EscalationRecord,
  fakeId,
  memory,
  newAuditEntry,
  type HarmonyStore,
} from "@assent/harmony";
import { measure, pass } from "./measuring.ts";
import {
  ANSWERED_EVERY,
  answer,
  at,
  bot,
  escalation,
  fact,
  pattern,
  person,
  policy,
  type Part,
} from "./records.ts";

const CALLS = 200;
const LISTINGS = 20;
/** More answers in one list than a person or a program could use; it would be measured in gigabytes. */
const LISTED_MAX = 100_000;
/** Rules that people wrote. */
const POLICIES_MAX = 10_000;

type Operations = (store: HarmonyStore, records: number) => Promise<void>;

const act = { at: at(0), actor: person };

/** Spread over all records, so that no file is asked for twice in a row. */
const spread = (i: number, records: number): number => (i * 7_919) % records;

const fresh = (i: number): EscalationRecord => {
  const patternId = fakeId(`fresh ${i}`);
  return new EscalationRecord({
    escalationId: computeEscalationId(patternId, "r"),
    patternId,
    reason: "r",
    escalatedAt: at(i),
    escalatedBy: bot,
  });
};

const later = (i: number): EscalationRecord =>
  fresh(i).with({ escalatedAt: at(i + 1), lastSeenAt: at(i + 1) });

const measureEscalations: Operations = async (store, records) => {
  const some = (i: number): EscalationRecord => escalation(spread(i, records));
  await measure("load an escalation", CALLS, async (i) => await store.loadEscalation(some(i).escalationId));
  await measure(
    "load a missing escalation",
    CALLS,
    async (i) => await store.loadEscalation(fakeId(`none ${i}`)),
  );
  await measure("list escalations, cold", 1, async () => await store.listEscalations());
  await measure("list escalations, warm", LISTINGS, async () => await store.listEscalations());
  const open = { status: "open" };
  await measure("list open escalations, warm", LISTINGS, async () => await store.listEscalations(open));
  await measure(
    "list 50 open escalations, warm",
    LISTINGS,
    async () => await store.listEscalations({ ...open, limit: 50 }),
  );
  await measure("list escalations of a pattern, warm", LISTINGS, async (i) => {
    return await store.listEscalations({ patternId: some(i).patternId });
  });
  await measure("record an escalation", CALLS, async (i) => await store.recordEscalation(fresh(i)));
  await measure("record it again", CALLS, async (i) => await store.recordEscalation(fresh(i)));
  await measure("count a later sighting", CALLS, async (i) => await store.recordEscalation(later(i)));
  await measure("list escalations after a change", 3, async (i) => {
    await store.recordEscalation(fresh(CALLS + i));
    return await store.listEscalations();
  });
  await measure(
    "resolve an escalation",
    CALLS,
    async (i) => await store.resolveEscalation(fresh(i).escalationId, fakeId(`r ${i}`), bot, at(i)),
  );
  await measure("mark what an answer had resolved", 3, async (i) => {
    return await store.markEscalations(fakeId(`r ${i}`), at(i));
  });
};

const measurePatterns: Operations = async (store, records) => {
  const some = (i: number): string => pattern(spread(i, records)).patternId;
  const answered = (i: number): number => spread(i * ANSWERED_EVERY, records);
  const given = answer(answered(1));
  await measure("load a pattern", CALLS, async (i) => await store.loadPattern(some(i)));
  await measure(
    "exact answer (resolutions of a pattern)",
    CALLS,
    async (i) => await store.listResolutions(pattern(answered(i)).patternId),
  );
  await measure("best answer", CALLS, async (i) => await memory.best(store, pattern(answered(i)).patternId));
  await measure(
    "load an answer",
    CALLS,
    async () => await store.loadResolution(given.patternId, given.resolutionId),
  );
  await measure(
    "find an answer by its id alone",
    3,
    async () => await store.findResolution(given.resolutionId),
  );
  await measure("similar, cold", 1, async () => await store.findSimilar(pattern(1), 8));
  await measure("similar, warm", CALLS, async (i) => await store.findSimilar(pattern(spread(i, records)), 8));
  await measure("list 50 patterns, warm", LISTINGS, async () => await store.listPatterns({ limit: 50 }));
  if (records > LISTED_MAX) {
    pass(
      "list all patterns",
      `not at this size: ${records} patterns in one list are gigabytes; list with a limit`,
    );
    pass("gc, nothing to forget", "not at this size: it lists all patterns");
  } else {
    await measure("list all patterns, warm", 3, async () => await store.listPatterns());
    await measure("gc, nothing to forget", 3, async () => await memory.collect(store, at(0), act));
  }
  await measurePatternWrites(store, records);
  await measure("similar after a change", 3, async (i) => {
    await store.recordPattern(pattern(records + CALLS + i));
    return await store.findSimilar(pattern(spread(i, records)), 8);
  });
  await measure("clear everything", 1, async () => await store.clear());
};

const measurePatternWrites: Operations = async (store, records) => {
  await measure("record a pattern", CALLS, async (i) => await store.recordPattern(pattern(records + i)));
  await measure("record it again", CALLS, async (i) => await store.recordPattern(pattern(records + i)));
  await measure("save an answer", CALLS, async (i) => await store.saveResolution(answer(records + i)));
  await measure("count an experience", CALLS, async (i) => {
    const { patternId, resolutionId } = answer(records + i);
    return await store.addExperience(patternId, resolutionId, "applied", bot, at(i));
  });
  await measure(
    "ask, answered exactly",
    Math.min(CALLS, records / ANSWERED_EVERY),
    async (i) => await memory.ask(store, pattern(i * ANSWERED_EVERY), act),
  );
  await measure("ask, answered by none", CALLS, async (i) => {
    return await memory.ask(store, pattern(spread(i, records / ANSWERED_EVERY) * ANSWERED_EVERY + 1), act);
  });
  await measure("revoke an answer", LISTINGS, async (i) => {
    const { patternId, resolutionId } = answer(records + i);
    return await memory.revoke(store, patternId, resolutionId, act, "bench");
  });
  await measure(
    "forget a pattern",
    LISTINGS,
    async (i) => await memory.forget(store, pattern(records + CALLS / 2 + i).patternId, act),
  );
};

const measureAudit: Operations = async (store, records) => {
  await measure("list 50 audit entries, cold", 1, async () => await store.listAudit({ limit: 50 }));
  await measure("list 50 audit entries, warm", LISTINGS, async () => await store.listAudit({ limit: 50 }));
  await measure("list the audit of a pattern, warm", LISTINGS, async (i) => {
    return await store.listAudit({ patternId: fact(spread(i, records)).patternId ?? "" });
  });
  await measure(
    "append an audit entry",
    CALLS,
    async (i) => await store.appendAudit(newAuditEntry({ eventType: "bench", at: at(i), actor: bot })),
  );
};

const measurePolicies: Operations = async (store, records) => {
  if (records > POLICIES_MAX) {
    pass("policies", "not at this size: people write them, and each question tries them one by one");
    return;
  }
  await measure("list policies, cold", 1, async () => await store.listPolicies());
  await measure("list policies, warm", LISTINGS, async () => await store.listPolicies());
  await measure(
    "load a policy",
    CALLS,
    async (i) => await store.loadPolicy(policy(spread(i, records)).policyId),
  );
  await measure("add a policy", CALLS, async (i) => await store.savePolicy(policy(records + i)));
  await measure("ask, answered by a policy", LISTINGS, async (i) => {
    const path = `generated/${spread(i, records)}/x`;
    return await memory.ask(store, { ...pattern(i), path }, act);
  });
  await measure(
    "remove a policy",
    CALLS,
    async (i) => await store.removePolicy(policy(records + i).policyId),
  );
};

/** The folder that is filled, and what is measured on it. */
export const PARTS: readonly {
  readonly part: Part;
  readonly measureAll: Operations;
  readonly filledMax: number;
}[] = [
  { part: "escalations", measureAll: measureEscalations, filledMax: Number.POSITIVE_INFINITY },
  { part: "patterns", measureAll: measurePatterns, filledMax: Number.POSITIVE_INFINITY },
  { part: "audit", measureAll: measureAudit, filledMax: Number.POSITIVE_INFINITY },
  { part: "policies", measureAll: measurePolicies, filledMax: POLICIES_MAX },
];
