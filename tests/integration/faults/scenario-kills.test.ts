// Who tests the tester: breaks planted in the product itself, each of which the scenario of taking back, or that of the
// artifacts, has to find. A break is one line of another module replaced. Both pass on the product as it is:
// tests/e2e/scenarios.test.ts.

import { runTrial, type Scenario, SCENARIOS } from "@assent/suite";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "none"
  | "nothing is taken back"
  | "the oldest effect is taken back first"
  | "what is left is not said"
  | "the store is believed";

const broken = vi.hoisted((): { by: Break } => ({ by: "none" }));

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
      return broken.by === "what is left is not said" ? { ...came, left: [] } : came;
    },
  };
});

vi.mock(import("../../../packages/harness/src/services/end-run.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    endRun: (...given) => {
      const ended = real.endRun(...given);
      if (broken.by !== "what is left is not said") return ended;
      const writes = ended.writes.map((write) =>
        write.write === "step_closed" && write.outcome?.kind === "rollback"
          ? { ...write, outcome: { ...write.outcome, left: [] } }
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

const digests = await import("../../../packages/harness/src/base/digest.ts");

const target = createInProcessTarget();
const START_MS_MAX = 120_000;
beforeAll(async () => {
  await target.start();
}, START_MS_MAX);
afterAll(async () => {
  await target.stop();
}, START_MS_MAX);
beforeEach(() => {
  broken.by = "none";
});

const named = (part: string): Scenario => {
  const found = SCENARIOS.find(({ id }) => id.endsWith(part));
  if (found === undefined) throw new Error(`no scenario ${part}`);
  return found;
};

const ROLLBACK = "partial_failure_rollback_integrity";
const ARTIFACTS = "artifact_writer_atomic_commit_and_rollback";

const KILLS: readonly (readonly [scenario: string, by: Break, claim: string])[] = [
  [ROLLBACK, "nothing is taken back", "everything that it did is taken back"],
  [ROLLBACK, "the oldest effect is taken back first", "the newest first"],
  [ROLLBACK, "what is left is not said", "what nothing takes back is named in the run"],
  [ARTIFACTS, "the store is believed", "can be fetched"],
];

describe("the product broken", () => {
  test.each(KILLS)(
    "%s fails where %s",
    async (part, by, claim) => {
      broken.by = by;
      const trial = await runTrial(named(part), target, { seed: 42 });
      expect([trial.verdict, trial.reason]).toEqual(["FAIL", expect.stringContaining(claim)]);
    },
    180_000,
  );
});
