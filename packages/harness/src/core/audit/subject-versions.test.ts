import fc from "fast-check";
import { expect, test } from "vitest";
import { createSubjectVersions, EVENTS_MAX, type StateTable } from "./subject-versions.ts";

/** A state is what its last event was, and event 0 leaves it; worked out as they come. */
const NEXT: StateTable = {
  next: new Uint16Array(EVENTS_MAX ** 2),
  derive: (state, event) => (NEXT.next[state * EVENTS_MAX + event] = (event === 0 ? state : event) + 1),
};

/** As it must be: a map of texts. */
function byMap(): (subject: string, version: number) => number {
  const versions = new Map<string, number>();
  return (subject, version) => {
    const last = versions.get(subject) ?? 0;
    versions.set(subject, version);
    return last;
  };
}

function byTable(): (subject: string, version: number) => number {
  const versions = createSubjectVersions(NEXT);
  return (subject, version) => {
    const bytes = Buffer.from(`before ${subject} after`, "latin1");
    return versions.exchange(bytes, 7, 7 + subject.length, version, 0);
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
      fc.array(fc.tuple(subjectOf, fc.integer({ min: 1, max: 2 ** 40 })), {
        minLength: 100,
        maxLength: 4_000,
      }),
      (all) => {
        const [map, table] = [byMap(), byTable()];
        for (const [subject, version] of all) expect(table(subject, version)).toBe(map(subject, version));
      },
    ),
    { seed: 42, numRuns: 30 },
  );
});

test("of subjects that lie in one buffer, as those of a bundle do, each has its version, whichever came before it", () => {
  const some = fc.oneof(
    { weight: 3, arbitrary: fc.nat(3) },
    { weight: 2, arbitrary: fc.integer({ min: 4, max: 3_000 }) },
  );
  fc.assert(
    fc.property(fc.array(some, { minLength: 2_000, maxLength: 4_000, size: "max" }), (all) => {
      const subjects = all.map((n) =>
        n % 7 === 0 ? `entry:1:${n}` : `run_${n.toString(16).padStart(32, "0")}`,
      );
      const bytes = Buffer.from(subjects.join(""), "latin1");
      const [map, table] = [byMap(), createSubjectVersions(NEXT)];
      const differing: number[] = [];
      let from = 0;
      for (const [i, subject] of subjects.entries()) {
        const to = from + subject.length;
        if (table.exchange(bytes, from, to, i + 1, 0) !== map(subject, i + 1)) differing.push(i);
        from = to;
      }
      expect(differing).toEqual([]);
    }),
    // Thousands of subjects: one that fails is not made smaller.
    { seed: 42, numRuns: 10, endOnFailure: true },
  );
});

const STIR = 0x85ebca6b;
const stir = (hash: number, word: number): number => {
  const mixed = Math.imul(hash ^ word, STIR);
  return mixed ^ (mixed >>> 15);
};
const finish = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  return mixed ^ (mixed >>> 13);
};
/** What was stirred to become this. */
function unstirred(goal: number): number {
  let inverse = STIR;
  for (let i = 0; i < 5; i += 1) inverse = Math.imul(inverse, 2 - Math.imul(STIR, inverse));
  return Math.imul(goal ^ (goal >>> 15) ^ (goal >>> 30), inverse);
}

// Two words of four bytes, the second of which undoes what the first did: as many equal hashes as one likes.
function crowd(count: number, slot: number, slots: number): string[] {
  const length = 8;
  const goals = Array.from({ length: 100_000 }, (_, i) => stir(i, 0));
  const goal = goals.find((hash) => (finish(hash) & (slots - 1)) === slot) ?? expect.unreachable();
  return Array.from({ length: count }, (_, i) => {
    const bytes = Buffer.alloc(length);
    bytes.writeInt32LE(i + 1);
    bytes.writeInt32LE((unstirred(goal) ^ stir(length, i + 1)) | 0, 4);
    return bytes.toString("latin1");
  });
}

const others = Array.from({ length: 5_000 }, (_, i) => `run_${i}`);

test.each([
  ["one place", crowd(300, 77, 1_024)],
  // Those at the table's end are moved to a larger one in another order than they came.
  ["the end of the table", [...crowd(24, 1_024 - 30, 2_048), ...crowd(32, 1_024 - 8, 2_048)]],
])("subjects that crowd %s are all remembered, through every growth of the table", (_, crowding) => {
  const [map, table] = [byMap(), byTable()];
  for (const [round, subjects] of [crowding, others, crowding, others, crowding].entries())
    for (const subject of subjects) expect(table(subject, round + 1)).toBe(map(subject, round + 1));
});
