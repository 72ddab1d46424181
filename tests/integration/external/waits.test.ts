// Drivers of several tenants that wait at one process, which has places for so many.

import { type ActionId, actionAnswerSchema, actionIdSchema, type RunId } from "@assent/contract";
import { expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { createEventWatch } from "../../../packages/harness/src/services/event-watch.ts";
import { createRedactor } from "../../../packages/harness/src/core/redact/redactor.ts";
import { createRedaction } from "../../../packages/harness/src/services/redaction.ts";
import { createShown } from "../../../packages/harness/src/services/shown.ts";
import { createExternalRuns } from "../../../packages/harness/src/services/external/external.ts";
import { createMemory } from "../../../packages/harness/src/services/external/memory.ts";
import { createWaits } from "../../../packages/harness/src/services/external/waits.ts";
import { type Engine, openEngine, value } from "../../support/engine.ts";
import { DERIVED } from "../../support/engine-defaults.ts";
import { until } from "../../support/until.ts";
import { READ_INBOX, rules } from "./support.ts";

type Asked = { readonly caller: Caller; readonly run: RunId; readonly action: ActionId };

/** A driven run with a question that waits for a person. */
async function asking({ harness }: Engine, caller: Caller): Promise<Asked> {
  const request = {
    driver: "external" as const,
    task: "Read.",
    tools: [READ_INBOX],
    approver: "ask" as const,
  };
  const { runId: run } = value(await harness.submitRun(caller, request, "one"));
  const { answer } = await harness.external.act(
    { caller, run, key: null },
    { tool: "read_inbox", arguments: {} },
  );
  const { decision, action_id } = actionAnswerSchema.parse(JSON.parse(value(answer).body));
  expect(decision).toBe("needs_approval");
  return { caller, run, action: actionIdSchema.parse(action_id) };
}

test("a tenant whose drivers have all places keeps no other tenant's driver from waiting", async () => {
  await using engine = await openEngine({ policies: rules(() => "needs_approval") });
  const one = await asking(engine, engine.caller);
  const other = await asking(engine, await engine.newCaller("other", "elsewhere"));
  const shown = createShown(createRedaction({ redactor: createRedactor() }));
  const watch = createEventWatch({
    ...engine.ports,
    versions: async (tenant, runs) =>
      await engine.store.transaction(tenant, async (tx) => await tx.runs.versions(runs)),
  });
  const external = createExternalRuns(
    { ...engine.ports, ...DERIVED, shown },
    watch,
    createMemory(),
    createWaits(3),
  );
  const stop = new AbortController();
  const answered: string[] = [];
  const wait = async (asked: Asked, name: string): Promise<void> => {
    const read = await external.read({ ...asked, waitMs: 60_000, signal: stop.signal });
    answered.push(`${name} ${value(read).decision}`);
  };
  const waiting = [1, 2, 3].map(async (nth) => await wait(one, `${nth}`));
  // The oldest is answered as it is, and the other one waits in its place.
  const others = wait(other, "other");
  await until("somebody is answered", () => answered.length > 0);
  expect(answered).toEqual(["1 needs_approval"]);
  // One more of the tenant that has most is answered at once.
  await wait(one, "4");
  expect(answered).toEqual(["1 needs_approval", "4 needs_approval"]);
  stop.abort();
  await Promise.all([...waiting, others]);
});
