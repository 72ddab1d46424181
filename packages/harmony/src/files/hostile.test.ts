// A memory folder that a stranger wrote into: whatever lies there, reading neither fails, hangs, follows nor believes it.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { auditFromJson, auditToJson, newAuditEntry, type Json } from "../audit.ts";
import { parseBoundedJson } from "../bounded-json.ts";
import { isHarmonyError } from "../errors.ts";
import { EscalationRecord } from "../escalations.ts";
import {
  listEscalations,
  loadEscalation,
  openFsStore,
  recordEscalation,
  resolveEscalation,
} from "../fs-store.ts";
import { fakeId, longId } from "../ids.ts";
import { ESCALATION_SIZE_BYTES_MAX } from "../limits.ts";
import * as memory from "../memory.ts";
import * as paths from "../paths.ts";
import { patternFromJson, patternToJson } from "../patterns.ts";
import { newPolicy, policyFromJson, policyToJson } from "../policies.ts";
import { Resolution } from "../resolutions.ts";
import { newRoot } from "../testing/root.ts";
import { ann, escalation, moment, pattern, resolution, robot } from "../testing/samples.ts";
import { EscalationStatus, PolicyAction, PolicyScope } from "../vocabulary.ts";
import { decisionFromJson } from "./decision-file.ts";
import { nodeOperations } from "./operations.ts";

const parse = (text: string): unknown => parseBoundedJson(Buffer.from(text));
const name = (letter: string): string => `${letter.repeat(64)}.json`;
const asked = escalation("e");
const { escalationId } = asked;

/** A record whose file has exactly so many bytes. */
function sized(sizeBytes: number, fill: string = "x"): EscalationRecord {
  const missing = sizeBytes - Buffer.byteLength(JSON.stringify(escalation("e", { reason: "" })));
  const reason = fill.repeat(Math.floor(missing / Buffer.byteLength(fill)));
  return escalation("e", {
    escalationId: escalation("e", { reason: "" }).escalationId,
    reason: reason + "y".repeat(missing - Buffer.byteLength(reason)),
  });
}

test("what is named *.json and is no regular file is skipped: link, folder, FIFO, device, socket-like", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  const folder = paths.escalationsDir(root);
  symlinkSync(paths.escalationPath(root, escalationId), `${folder}/${name("a")}`);
  symlinkSync("/nowhere", `${folder}/${name("b")}`);
  mkdirSync(`${folder}/${name("c")}`);
  // Opening a FIFO without O_NONBLOCK would wait for a writer for ever.
  execFileSync("mkfifo", [`${folder}/${name("d")}`]);
  symlinkSync("/dev/zero", `${folder}/${name("e")}`);
  expect(listEscalations(root)).toEqual([asked]);
  for (const letter of ["a", "b", "c", "d", "e"]) {
    expect(loadEscalation(root, `sha256:${letter.repeat(64)}`)).toBeNull();
  }
});

test("a link is not followed even to a record that bears the link's own name", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  const path = paths.escalationPath(root, escalationId);
  renameSync(path, `${root}/elsewhere.json`);
  symlinkSync(`${root}/elsewhere.json`, path);
  expect(loadEscalation(root, escalationId)).toBeNull();
  expect(listEscalations(root)).toEqual([]);
});

test("names that are not 64 lower-case hex digits and .json are never opened", async () => {
  const root = newRoot();
  recordEscalation(root, asked);
  const folder = paths.escalationsDir(root);
  const content = readFileSync(paths.escalationPath(root, escalationId));
  const others = [
    "x.txt",
    "x.json",
    `${"a".repeat(64)}.JSON`,
    `${"a".repeat(64)}.json.tmp`,
    `${"A".repeat(64)}.json`,
  ];
  for (const other of [...others, `${"a".repeat(63)}.json`, "a".repeat(64)])
    writeFileSync(`${folder}/${other}`, content);
  const opened: string[] = [];
  const store = openFsStore(root, {
    ...nodeOperations,
    openForRead: (path) => {
      opened.push(path);
      return nodeOperations.openForRead(path);
    },
  });
  expect(await store.listEscalations()).toEqual([asked]);
  expect(opened).toEqual([paths.escalationPath(root, escalationId)]);
});

test("the id inside must be the one that the name says", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  const path = paths.escalationPath(root, escalationId);
  linkSync(path, `${paths.escalationsDir(root)}/${name("a")}`);
  expect(listEscalations(root)).toEqual([asked]);
  expect(loadEscalation(root, `sha256:${"a".repeat(64)}`)).toBeNull();
  renameSync(path, `${paths.escalationsDir(root)}/${name("b")}`);
  expect(listEscalations(root)).toEqual([]);
});

test("exactly 16 KiB passes, measured in bytes; one more is refused at write and nothing is written", () => {
  for (const fill of ["x", "é", "😀", "\n"]) {
    const root = newRoot();
    const largest = sized(ESCALATION_SIZE_BYTES_MAX, fill === "\n" ? "x" : fill);
    expect(recordEscalation(root, largest)).toBe(true);
    expect(statSync(paths.escalationPath(root, largest.escalationId)).size).toBe(16_384);
    expect(listEscalations(root)).toEqual([largest]);
    const other = newRoot();
    const tooLarge = expect.objectContaining({ code: "too_large" });
    expect(() => recordEscalation(other, sized(ESCALATION_SIZE_BYTES_MAX + 1))).toThrow(tooLarge);
    expect(listEscalations(other)).toEqual([]);
  }
});

test("an escalation that fills its file can still be counted and resolved", () => {
  const root = newRoot();
  const largest = sized(ESCALATION_SIZE_BYTES_MAX);
  recordEscalation(root, largest);
  for (let i = 1; i < 12; i += 1)
    recordEscalation(root, largest.with({ escalatedAt: moment(i), lastSeenAt: moment(i) }));
  expect(loadEscalation(root, largest.escalationId)?.seenCount).toBe(9);
  expect(resolveEscalation(root, largest.escalationId, fakeId("r"), ann, moment(20))).toBe(true);
  expect(loadEscalation(root, largest.escalationId)?.status).toBe(EscalationStatus.RESOLVED);
  expect(listEscalations(root, { status: EscalationStatus.OPEN })).toEqual([]);
  expect(() => resolveEscalation(root, largest.escalationId, fakeId("r"), ann, moment(20))).toThrow(
    expect.objectContaining({ code: "already_resolved" }),
  );
});

test("what no reader would take back is refused at write, of every kind", async () => {
  const store = openFsStore(newRoot());
  const long = "x".repeat(1_025);
  let deep: Json = 1;
  for (let i = 0; i < 16; i += 1) deep = [deep];
  const refused = expect.objectContaining({ code: "invalid_record" });
  const actor = ann;
  const writes: (() => Promise<unknown>)[] = [
    async () => await store.recordPattern(pattern("p", { domain: long })),
    async () => await store.recordPattern(pattern("p", { path: "x".repeat(5_000) })),
    async () => await store.saveResolution(resolution(pattern("p"), { strategy: "" })),
    async () => await store.saveResolution(resolution(pattern("p"), { confirmedCount: 0.5 })),
    async () =>
      await store.savePolicy(
        newPolicy({
          scope: PolicyScope.REPO,
          action: PolicyAction.OURS,
          condition: { domain: long },
          createdAt: moment(0),
          createdBy: ann,
        }),
      ),
    async () => await store.appendAudit(newAuditEntry({ eventType: "", at: moment(0), actor })),
    async () =>
      await store.appendAudit(newAuditEntry({ eventType: "x", at: moment(0), actor, metadata: { deep } })),
    async () => await store.recordEscalation(asked.with({ seenCount: 0 })),
  ];
  for (const write of writes) await expect(write()).rejects.toThrow(refused);
  expect(await store.clear()).toBe(0);
});

test("a file of ours that was made larger in place is skipped, also when it was listed before", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  expect(listEscalations(root)).toHaveLength(1);
  const path = paths.escalationPath(root, escalationId);
  writeFileSync(path, readFileSync(path, "utf8").padEnd(ESCALATION_SIZE_BYTES_MAX));
  expect(listEscalations(root)).toHaveLength(1);
  writeFileSync(path, readFileSync(path, "utf8").padEnd(ESCALATION_SIZE_BYTES_MAX + 1));
  expect(listEscalations(root)).toEqual([]);
  expect(loadEscalation(root, escalationId)).toBeNull();
});

test("a question whose file cannot be read does not vanish: recording it says what is in the way", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  writeFileSync(paths.escalationPath(root, escalationId), "not json");
  expect(() => recordEscalation(root, asked)).toThrow(
    expect.objectContaining({
      code: "invalid_record",
      details: { path: paths.escalationPath(root, escalationId) },
    }),
  );
  rmSync(paths.escalationPath(root, escalationId));
  expect(recordEscalation(root, asked)).toBe(true);
});

test("a decision that cannot be read decides nothing: resolving says what is in the way", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  const path = paths.decisionPath(root, escalationId);
  mkdirSync(paths.decisionsDir(root));
  writeFileSync(path, "{}");
  const resolve = (): boolean => resolveEscalation(root, escalationId, fakeId("r"), ann, moment(1));
  expect(resolve).toThrow(expect.objectContaining({ code: "invalid_record", details: { path } }));
  expect(loadEscalation(root, escalationId)).toEqual(asked);
  expect(listEscalations(root, { status: EscalationStatus.OPEN })).toEqual([asked]);
  rmSync(path);
  expect(resolve()).toBe(true);
});

test.each(["escalations", "tmp", "decisions", ""])(
  "a link in place of .muse/harmony/%s is refused",
  (part) => {
    const root = newRoot();
    const outside = newRoot();
    recordEscalation(root, asked);
    const folder = part === "" ? paths.harmonyDir(root) : `${paths.harmonyDir(root)}/${part}`;
    rmSync(folder, { recursive: true, force: true });
    symlinkSync(outside, folder);
    const act = (): unknown =>
      part === "decisions"
        ? resolveEscalation(root, escalationId, fakeId("r"), ann, moment(1))
        : recordEscalation(root, asked.with({ escalatedAt: moment(9), lastSeenAt: moment(9) }));
    expect(act).toThrow(expect.objectContaining({ code: "untrusted_path" }));
  },
);

test("whatever stands at the name of a revocation, the answer is no longer given", async () => {
  const plant: ((path: string) => void)[] = [
    (path) => writeFileSync(path, "not json"),
    (path) => mkdirSync(path),
    (path) => symlinkSync("/nowhere", path),
    (path) => {
      writeFileSync(path, "{}");
      chmodSync(path, 0);
    },
  ];
  for (const put of plant) {
    const root = newRoot();
    const store = openFsStore(root);
    const given = resolution(pattern("p"));
    await store.saveResolution(given);
    put(paths.revocationPath(root, given.patternId, given.resolutionId));
    const [found] = await store.listResolutions(given.patternId);
    expect(found?.revokedAt).not.toBeNull();
  }
});

test("whatever stands at the name of a policy and is none, a person is asked until it is mended or removed", async () => {
  const asking = newPolicy({
    scope: PolicyScope.FILE,
    action: PolicyAction.MANUAL,
    createdAt: moment(0),
    createdBy: ann,
  });
  const written = JSON.stringify(policyToJson(asking));
  const plant: ((path: string) => void)[] = [
    // Two clones wrote it, and git merged them line by line.
    (path) => writeFileSync(path, `<<<<<<< HEAD\n${written}\n=======\n${written} \n>>>>>>> topic\n`),
    (path) => writeFileSync(path, written.replace("manual", "a_word_of_a_later_version")),
    (path) => writeFileSync(path, written.slice(0, -9)),
    (path) => writeFileSync(path, written.padEnd(16_385)),
    (path) => mkdirSync(path),
    (path) => symlinkSync("/nowhere", path),
  ];
  for (const put of plant) {
    const root = newRoot();
    const store = openFsStore(root);
    const question = pattern("p");
    await store.saveResolution(resolution(question));
    const ask = async (seconds: number): Promise<string> =>
      (await memory.ask(store, question, { actor: robot, at: moment(seconds) })).status;
    expect(await ask(1)).toBe("applied");
    await store.savePolicy(asking);
    const path = paths.policyPath(root, asking.policyId);
    rmSync(path);
    put(path);
    expect(await ask(2)).toBe("escalated");
    expect(await store.listPolicies()).toMatchObject([{ policyId: asking.policyId, action: "manual" }]);
    expect(await store.loadPolicy(asking.policyId)).toEqual((await store.listPolicies())[0]);
    rmSync(path, { recursive: true });
    expect(await ask(3)).toBe("applied");
    expect(await store.loadPolicy(asking.policyId)).toBeNull();
  }
});

test("what cannot be read is in the way, and not the record: an answer, a policy, an audit entry is never lost to it", async () => {
  const root = newRoot();
  const store = openFsStore(root);
  const given = resolution(pattern("p"));
  const rule = newPolicy({ scope: "repo", action: "ours", createdAt: moment(0), createdBy: ann });
  const entry = newAuditEntry({ eventType: "x", at: moment(0), actor: ann });
  const writes: readonly (readonly [string, () => Promise<boolean>])[] = [
    [
      paths.resolutionPath(root, given.patternId, given.resolutionId),
      async () => await store.saveResolution(given),
    ],
    [paths.policyPath(root, rule.policyId), async () => await store.savePolicy(rule)],
    [paths.auditPath(root, "20260102", entry.auditId), async () => await store.appendAudit(entry)],
  ];
  for (const [path, write] of writes) {
    expect(await write()).toBe(true);
    expect(await write()).toBe(false);
    const written = readFileSync(path, "utf8");
    for (const other of [`<<<<<<< HEAD\n${written}`, written.slice(0, -9), "{}"]) {
      writeFileSync(path, other);
      await expect(write()).rejects.toMatchObject({ code: "invalid_record", details: { path } });
      expect(readFileSync(path, "utf8")).toBe(other);
    }
    rmSync(path);
    expect(await write()).toBe(true);
  }
});

test("an audit entry that was altered is not listed", async () => {
  const root = newRoot();
  const store = openFsStore(root);
  const entry = newAuditEntry({ eventType: "x", at: moment(0), actor: ann, metadata: { n: 1 } });
  await store.appendAudit(entry);
  const path = paths.auditPath(root, "20260102", entry.auditId);
  writeFileSync(path, readFileSync(path, "utf8").replace('"n":1', '"n":2'));
  expect(await store.listAudit()).toEqual([]);
});

test("JSON is bounded in depth and number of values, and strict in its UTF-8", () => {
  expect(parse(`${"[".repeat(16)}${"]".repeat(16)}`)).toEqual(
    JSON.parse(`${"[".repeat(16)}${"]".repeat(16)}`),
  );
  expect(parse(`"${"[".repeat(50)}\\"${"{".repeat(50)}"`)).toBe(`${"[".repeat(50)}"${"{".repeat(50)}`);
  const wrong = [
    `${"[".repeat(17)}${"]".repeat(17)}`,
    `[${"1,".repeat(10_000)}1]`,
    "",
    "{",
    "\ufeff{}",
    "nul",
  ];
  for (const text of wrong)
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "invalid_record" }));
  expect(() => parseBoundedJson(Uint8Array.of(0x22, 0xc3, 0x22))).toThrow(
    expect.objectContaining({ code: "invalid_record" }),
  );
});

const policy = newPolicy({
  scope: PolicyScope.REPO,
  action: PolicyAction.OURS,
  createdAt: moment(0),
  createdBy: ann,
});
const fact = newAuditEntry({ eventType: "x", at: moment(0), actor: ann, metadata: { deep: [{ n: 1 }] } });
const READERS: readonly (readonly [string, (value: unknown) => unknown, unknown])[] = [
  ["escalation", (value) => EscalationRecord.fromJSON(value), asked.toJSON()],
  ["resolution", (value) => Resolution.fromJSON(value), resolution(pattern("p")).toJSON()],
  ["pattern", patternFromJson, patternToJson(pattern("p"))],
  ["policy", policyFromJson, policyToJson(policy)],
  ["audit entry", auditFromJson, auditToJson(fact)],
  [
    "decision",
    decisionFromJson,
    {
      escalation_id: fakeId("e"),
      resolution_id: fakeId("r"),
      resolved_by: ann.toJSON(),
      resolved_at: moment(0),
    },
  ],
];

test.each(READERS)(
  "fuzz: the reader of an %s accepts or refuses, and what it accepts is what it writes",
  (_, read, valid) => {
    const members = Object.entries(Object(valid));
    const mutated = fc
      .tuple(
        fc.nat(),
        fc.oneof(
          fc.jsonValue(),
          fc.constantFrom("sha256:", -1, Number.POSITIVE_INFINITY, "\ud800", null, {}, [[]]),
        ),
      )
      .map(([at, value]) =>
        Object.fromEntries(members.map(([key, old], i) => [key, i === at % members.length ? value : old])),
      );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutated, fc.anything()), (value) => {
        try {
          const record = read(value);
          const again = JSON.parse(JSON.stringify(record));
          // Class records serialise themselves; their text read again is the same record.
          if (record instanceof EscalationRecord || record instanceof Resolution)
            expect(read(again)).toEqual(record);
          expect(Object.isFrozen(record)).toBe(true);
        } catch (error) {
          if (!isHarmonyError(error)) throw error;
        }
      }),
      { seed: 42, numRuns: 2_000 },
    );
  },
);

test("fuzz: any bytes in a record's file are its record, or nothing", () => {
  const root = newRoot();
  recordEscalation(root, asked);
  const path = paths.escalationPath(root, escalationId);
  const good = readFileSync(path);
  const flipped = fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
    const bytes = Uint8Array.from(good);
    bytes[at] = byte;
    return bytes;
  });
  const cut = fc.nat({ max: good.length }).map((length) => good.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(flipped, cut, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      writeFileSync(path, bytes);
      const loaded = loadEscalation(root, escalationId);
      if (loaded !== null) expect(longId(loaded.escalationId, { strip: true })).toBe(path.slice(-69, -5));
    }),
    { seed: 42, numRuns: 500 },
  );
});

test("an older yes is not given where a newer no cannot be read: a person is asked, told where it stands, and gc keeps it", async () => {
  const root = newRoot();
  const store = openFsStore(root);
  const question = pattern("asked");
  const { patternId } = question;
  const act = { at: moment(9), actor: robot };
  await memory.recordPattern(store, question);
  await memory.answer(store, patternId, { strategy: "approve" }, { at: moment(1), actor: ann });
  expect(await memory.ask(store, question, act)).toMatchObject({ status: "applied", strategy: "approve" });
  // As it comes from another clone: nothing of it is counted against the yes.
  const no = resolution(question, { strategy: "deny", result: null, resolvedAt: moment(2) });
  await store.saveResolution(no);
  expect((await memory.ask(store, question, act)).status).toBe("proposed");
  const path = paths.resolutionPath(root, patternId, no.resolutionId);
  const whole = readFileSync(path, "utf8");
  const damages: readonly (() => void)[] = [
    (): void => writeFileSync(path, whole.slice(0, whole.length / 2)),
    (): void => writeFileSync(path, `<<<<<<< ours\n${whole}\n=======\n${whole}\n>>>>>>> theirs\n`),
    (): void => writeFileSync(path, whole.replace(patternId, fakeId("another"))),
    (): void => {
      rmSync(path);
      symlinkSync("/nowhere", path);
    },
  ];
  for (const damage of damages) {
    damage();
    expect(await memory.ask(store, question, act)).toMatchObject({
      status: "proposed",
      reason: "exact_unreadable",
      explanation: expect.stringContaining(`restore or remove ${path}`),
      proposals: [{ strategy: "approve" }],
    });
    await expect(memory.best(store, patternId)).rejects.toMatchObject({ code: "invalid_record" });
  }
  // Nor is a question forgotten of which nothing can be read any more.
  const yes = (await store.listResolutions(patternId))[0];
  writeFileSync(paths.resolutionPath(root, patternId, yes?.resolutionId ?? ""), "{");
  expect(await memory.collect(store, moment(99), act)).toEqual([]);
  rmSync(path);
  writeFileSync(path, whole);
  rmSync(paths.resolutionPath(root, patternId, yes?.resolutionId ?? ""));
  expect(await memory.ask(store, question, act)).toMatchObject({ status: "applied", strategy: "deny" });
});
