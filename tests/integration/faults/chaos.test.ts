// Seeded chaos against the whole harness, and the proof that the tool can find something: a store of artifacts that says
// "stored" when the disk is full is found, and the schedule shrinks to the one fault that shows it.

import { type ChaosReport, type ChaosSchedule, drawSchedule, runChaos, shrinkSchedule } from "@assent/suite";
import { expect, test } from "vitest";
import { sha256Hex } from "../../../packages/harness/src/base/digest.ts";
import type { ArtifactFiles } from "../../../packages/harness/src/ports.ts";
import { ENGINE_FAULTS, openEngineChaos } from "../../support/faults/engine-chaos.ts";

const SEED = 42;
const UNITS = 4;

const schedule = drawSchedule({ seed: SEED, units: UNITS, events: 4, faults: ENGINE_FAULTS });

test(`the harness stands ${UNITS} runs of chaos (seed ${SEED})`, async () => {
  const report = await runChaos(schedule, UNITS, async () => await openEngineChaos());
  expect([report.verdict, report.violations, report.silent]).toEqual(["PASS", [], []]);
  expect(Object.keys(report.fired).length).toBeGreaterThan(1);
});

/** The planted bug: the flag is set first, and whether the bytes are there is nobody's business. */
const flagFirst = (files: ArtifactFiles): ArtifactFiles => ({
  ...files,
  put: async (bytes) => {
    const stored = { sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength };
    return await files.put(bytes).catch(() => stored);
  },
  holds: async () => await Promise.resolve(true),
});

// Two of the faults, so that each trial is short; at night there are all of them, twenty seeds long.
const PLANTED = { disk_full: ["fs.create"], provider_gone: ["models.call"] };

test("a planted bug is found, and its schedule shrinks to the one fault that it needs", async () => {
  const units = 2;
  const planted = drawSchedule({ seed: 3, units, events: 2, faults: PLANTED });
  const run = async (tried: ChaosSchedule): Promise<ChaosReport> =>
    await runChaos(tried, units, async () => await openEngineChaos({ wrapFiles: flagFirst }));
  const first = await run(planted);
  expect([first.verdict, first.violations.join("\n")]).toEqual([
    "FAIL",
    expect.stringContaining("complete or nothing"),
  ]);
  const shortest = await shrinkSchedule(planted, async (tried) => (await run(tried)).verdict === "FAIL");
  expect(shortest.events.map(({ fault }) => fault)).toEqual(["disk_full"]);
});
