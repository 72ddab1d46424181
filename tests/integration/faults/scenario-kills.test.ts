// Who tests the tester: breaks planted in the product itself, each of which the scenario of taking back, that of the
// artifacts, or one of those about the database has to find. A break is one line of another module replaced. On the
// product as it is they pass: tests/e2e/scenarios.test.ts, and tests/nightly/scenarios.test.ts for those of tier 2.

import { vi } from "vitest";
import type { TransactionOptions } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import type { RollbackOutcome } from "../../../packages/harness/src/core/run/journal.ts";
import { keepAnswer } from "../../support/kept-answer.ts";
import { type Kill, proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "none"
  | "nothing is taken back"
  | "the oldest effect is taken back first"
  | "what is left is not said"
  | "what is left is named by another step"
  | "what was taken back is not said"
  | "the store is believed"
  | "a key is kept before its run is"
  | "a run is accepted before it is committed"
  | "a conflict is passed on";

const broken = vi.hoisted((): { by: Break } => ({ by: "none" }));

/** Every run here acts in its second step at the earliest. */
const WRONG_STEP = 1;

const misstated = (came: RollbackOutcome): RollbackOutcome => {
  if (broken.by === "what is left is not said") return { ...came, left: [] };
  if (broken.by === "what is left is named by another step")
    return { ...came, left: came.left.map((one) => ({ ...one, seq: WRONG_STEP })) };
  return broken.by === "what was taken back is not said" ? { ...came, takenBack: [] } : came;
};

const attempts = (options: TransactionOptions | undefined): TransactionOptions =>
  broken.by === "a conflict is passed on" ? { ...options, attemptsMax: 1 } : { ...options };

vi.mock(import("../../../packages/harness/src/core/run/rollback.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    standingEffects: (journal) => {
      if (broken.by === "nothing is taken back") return [];
      const found = real.standingEffects(journal);
      return broken.by === "the oldest effect is taken back first" ? found.toReversed() : found;
    },
    rollbackOutcome: (journal, rollback) => {
      const came = real.rollbackOutcome(journal, rollback);
      return misstated(came);
    },
  };
});

vi.mock(import("../../../packages/harness/src/services/end-run.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    endRun: (...given) => {
      const ended = real.endRun(...given);
      const writes = ended.writes.map((write) =>
        write.write === "step_closed" && write.outcome?.kind === "rollback"
          ? { ...write, outcome: misstated(write.outcome) }
          : write,
      );
      return { ...ended, writes };
    },
  };
});

vi.mock(
  import("../../../packages/harness/src/adapters/objects/artifact-objects.ts"),
  async (importOriginal) => {
    const real = await importOriginal();
    return {
      ...real,
      openArtifactObjects: (options) => {
        const files = real.openArtifactObjects(options);
        const { sha256Hex } = digests;
        return {
          ...files,
          put: async (bytes) => {
            if (broken.by !== "the store is believed") return await files.put(bytes);
            const stored = { sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength };
            return await files.put(bytes).catch(() => stored);
          },
          holds: async (...given) => broken.by === "the store is believed" || (await files.holds(...given)),
        };
      },
    };
  },
);

vi.mock(import("../../../packages/harness/src/adapters/postgres/connect.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    transaction: async (pool, work, options) => await real.transaction(pool, work, attempts(options)),
    statement: async (pool, send, options) => await real.statement(pool, send, attempts(options)),
  };
});

vi.mock(import("../../../packages/harness/src/adapters/postgres/submissions.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    submit: async (query, submission) => {
      try {
        return await real.submit(query, submission);
      } catch (error) {
        if (broken.by === "a run is accepted before it is committed") return null;
        if (broken.by === "a key is kept before its run is") await keepAnswer(query, submission);
        throw error;
      }
    },
  };
});

const digests = await import("../../../packages/harness/src/base/digest.ts");

const ROLLBACK = "partial_failure_rollback_integrity";
const ARTIFACTS = "artifact_writer_atomic_commit_and_rollback";

const ATOMICITY = "api_to_orchestrator_to_db_atomicity";
const CONTENTION = "db_contention_and_recovery";

const KILLS: readonly Kill<Break>[] = [
  [ROLLBACK, "nothing is taken back", "everything that it did is taken back"],
  [ROLLBACK, "the oldest effect is taken back first", "the newest first"],
  [ROLLBACK, "what is left is not said", "what nothing takes back is named in the run"],
  [ROLLBACK, "what is left is named by another step", "what nothing takes back is named in the run"],
  [ROLLBACK, "what was taken back is not said", "what was taken back is named in the run"],
  [ARTIFACTS, "the store is believed", "can be fetched"],
  [ATOMICITY, "a run is accepted before it is committed", "an accepted run can be read"],
  [CONTENTION, "a conflict is passed on", "a quarrel among transactions is not the caller's business"],
  // The last one: what it leaves behind stays there.
  [ATOMICITY, "a key is kept before its run is", "an accepted run can be read"],
];

proveKills(createInProcessTarget(), broken, KILLS);
