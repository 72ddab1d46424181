// Many processes at once. 100 processes times 100 calls are run by night with the same code.

import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { listEscalations, openFsStore, recordEscalation, resolveEscalation } from "../fs-store.ts";
import { fakeId } from "../ids.ts";
import { temporaryDir } from "../paths.ts";
import { drillRace } from "../testing/drills.ts";
import { raceCounters, raceRecorders } from "../testing/racing.ts";
import { quickOperations } from "../testing/faulty-operations.ts";
import { newRoot } from "../testing/root.ts";
import { ann, escalation, moment, pattern, resolution } from "../testing/samples.ts";

test("of many processes recording the same escalations again and again, each is opened by exactly one", async () => {
  await drillRace(["a", "b", "c", "d", "e"], { processes: 5, calls: 40 });
});

test("sightings told by many processes at once are counted once each at most, and the last is not lost", async () => {
  const root = newRoot();
  // Each process tells of the same 20 later sightings, in order: whoever is first with one counts it.
  const sightings = Array.from({ length: 20 }, (_, i) =>
    escalation("a", { escalatedAt: moment(i), lastSeenAt: moment(i) }),
  );
  await raceRecorders(root, sightings, { processes: 4, calls: 20 });
  const [record] = listEscalations(root);
  // A process that is ahead may make a sighting of the others late, so some of the 19 may be skipped, never doubled.
  expect(record?.lastSeenAt).toBe(moment(19));
  expect(record?.seenCount).toBeGreaterThan(1);
  expect(record?.seenCount).toBeLessThanOrEqual(20);
  expect(readdirSync(temporaryDir(root))).toEqual([]);
});

test("what many processes count at once is counted exactly", async () => {
  const root = newRoot();
  const given = resolution(pattern("p"));
  await openFsStore(root).saveResolution(given);
  await raceCounters(root, given, { processes: 4, calls: 15 });
  expect(await openFsStore(root).loadResolution(given.patternId, given.resolutionId)).toMatchObject({
    appliedCount: 60,
  });
  expect(readdirSync(temporaryDir(root))).toEqual([]);
});

test("a sighting that finds its question resolved just before it is counted opens a new occurrence", async () => {
  const root = newRoot();
  const asked = escalation("e");
  recordEscalation(root, asked);
  let others = 0;
  const store = openFsStore(root, {
    ...quickOperations,
    link: (from, to) => {
      // The hold is about to be taken, under which the sighting would be counted.
      if (to.endsWith(".hold") && others === 0) {
        others += 1;
        resolveEscalation(root, asked.escalationId, fakeId("r"), ann, moment(10));
      }
      quickOperations.link(from, to);
    },
  });
  const recorded = await store.recordEscalation(escalation("e", { escalatedAt: moment(20) }));
  expect(others).toBe(1);
  expect(recorded).toMatchObject({ opened: true, record: { occurrence: 2, escalatedAt: moment(20) } });
  expect(listEscalations(root)).toMatchObject([{ occurrence: 2 }, { occurrence: 1, status: "resolved" }]);
});
