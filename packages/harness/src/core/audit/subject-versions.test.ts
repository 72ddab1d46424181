import fc from "fast-check";
import { expect, test } from "vitest";
import { createSubjectVersions } from "./subject-versions.ts";

/** As it must be: a map of texts. */
function byMap(): (subject: string, version: number) => number | null {
  const versions = new Map<string, number>();
  return (subject, version) => {
    const last = versions.get(subject) ?? null;
    versions.set(subject, version);
    return last;
  };
}

function byTable(): (subject: string, version: number) => number | null {
  const versions = createSubjectVersions();
  return (subject, version) => {
    const bytes = Buffer.from(`before ${subject} after`, "latin1");
    return versions.exchange(bytes, 7, 7 + subject.length, version);
  };
}

const subjectOf = fc.oneof(
  fc.nat(5_000).map((n) => `run_${n.toString(16).padStart(32, "0")}`),
  fc.nat(40).map((n) => `entry:1:${n}`),
  fc.string({ maxLength: 300, unit: "binary-ascii" }),
);

test("every subject has the version that was noted of it last, however many there are", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(subjectOf, fc.nat(2 ** 40)), { minLength: 100, maxLength: 4_000 }),
      (all) => {
        const [map, table] = [byMap(), byTable()];
        for (const [subject, version] of all) expect(table(subject, version)).toBe(map(subject, version));
      },
    ),
    { seed: 42, numRuns: 30 },
  );
});

// Four bytes are stirred one after the other, so two of them that undo each other give as many equal hashes as one likes.
test("subjects that crowd one place are all remembered, through every growth of the table", () => {
  const PRIME = 0x01000193;
  const stir = (hash: number, word: number): number => {
    const mixed = Math.imul(hash ^ word, PRIME);
    return mixed ^ (mixed >>> 15);
  };
  const begin = 0x811c9dc5 | 0;
  const goal = stir(stir(begin, 0), 0);
  // The second word is what brings the hash of the first back to the goal.
  const before = ((): number => {
    const mixed = goal ^ (goal >>> 15) ^ (goal >>> 30);
    let inverse = PRIME;
    for (let i = 0; i < 5; i += 1) inverse = Math.imul(inverse, 2 - Math.imul(PRIME, inverse));
    return Math.imul(mixed, inverse);
  })();
  const crowding = Array.from({ length: 300 }, (_, i) => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(i + 1);
    bytes.writeInt32LE((before ^ stir(begin, i + 1)) | 0, 4);
    return bytes.toString("latin1");
  });
  const [map, table] = [byMap(), byTable()];
  const others = Array.from({ length: 5_000 }, (_, i) => `run_${i}`);
  for (const [version, subjects] of [crowding, others, crowding, others, crowding].entries())
    for (const subject of subjects) expect(table(subject, version)).toBe(map(subject, version));
});
