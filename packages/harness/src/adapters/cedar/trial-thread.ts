// The thread of a trial: reads a set of rules as the server would at its start, then judges what it is given.

import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { assert } from "../../base/assert.ts";
import type { Result } from "../../base/result.ts";
import { decisionRecordSchema } from "../../core/decide/decision-record.ts";
import { diffDecisions, type PolicyDiff } from "../../core/decide/policy-diff.ts";
import type { PolicyRefusal } from "../../core/decide/policy-point.ts";
import { openCedarPolicies } from "./policies.ts";

/** What it says, in this order: one of the first, then one of the second for each batch of records. */
export type TrialAnswer = {
  readonly opened: Result<{ readonly version: string; readonly rules: number }, PolicyRefusal>;
  readonly judged: PolicyDiff;
};

const port = parentPort;
assert(port !== null, "it is started as a thread");

const tell = (answer: TrialAnswer[keyof TrialAnswer]): void => {
  // A thread has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  port.postMessage(answer);
};

const { text } = z.object({ text: z.string() }).parse(workerData);
const policies = openCedarPolicies({ texts: { "rules.cedar": text } });
if (policies.ok) {
  port.on("message", (records: unknown) => {
    tell(diffDecisions(z.array(decisionRecordSchema).parse(records), policies.value));
  });
  const { version, rules } = policies.value;
  tell({ ok: true, value: { version, rules: rules.length } });
} else tell(policies);
