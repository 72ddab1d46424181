// Every question is remembered and few are answered for good: what was asked hides no answer, and costs who asks nothing.

import { afterAll, expect, test } from "vitest";
import { fakeId } from "../../../packages/harmony/src/ids.ts";
import { ann, moment, pattern, resolution } from "../../../packages/harmony/src/testing/samples.ts";
import { openMemories } from "../../support/harmony-memory.ts";

const memories = await openMemories();

afterAll(async () => {
  await memories[Symbol.asyncDispose]();
});

const semanticFingerprint = fakeId("send_mail(to, text)");
const mail = (name: string, at = 0): ReturnType<typeof pattern> =>
  pattern(name, { semanticFingerprint, recordedAt: moment(at) });

test("an answer is found behind ever so many newer questions of the same shape that have none", async () => {
  const { inMemory } = await memories.open();
  const answered = mail("answered");
  await inMemory(async (memory) => {
    await memory.recordPattern(answered);
    await memory.saveResolution(resolution(answered));
    for (let n = 1; n <= 600; n += 1) await memory.recordPattern(mail(`asked ${n}`, n));
  });
  const found = await inMemory(async (memory) => await memory.findSimilar(mail("new", 700), 8));
  expect(found.map((similar) => similar.pattern.patternId)).toEqual([answered.patternId]);
});

test("a question is one that has an answer for as long as one of its answers is in force", async () => {
  const { inMemory, tenant } = await memories.open();
  const marked = async (): Promise<unknown> =>
    (
      await memories.database
        .ownerPool()
        .query("select answered from assent.harmony_patterns where tenant_id = $1", [tenant])
    ).rows;
  const [one, other] = [mail("one"), mail("other")];
  const [yes, no] = [resolution(one), resolution(one, { result: "another\n" })];
  const similar = async (): Promise<readonly string[]> =>
    await inMemory(async (memory) =>
      (await memory.findSimilar(mail("new"), 8)).map(({ pattern: { patternId } }) => patternId),
    );
  await inMemory(async (memory) => {
    // The answer before the question, and the question before the answer.
    await memory.saveResolution(yes);
    for (const each of [one, other]) await memory.recordPattern(each);
    await memory.saveResolution(resolution(other));
  });
  expect(new Set(await similar())).toEqual(new Set([one.patternId, other.patternId]));
  await inMemory(async (memory) => {
    await memory.forgetPattern(other.patternId);
    await memory.saveResolution(no);
    await memory.revokeResolution(one.patternId, yes.resolutionId, ann, moment(1), "wrong");
  });
  expect(await similar()).toEqual([one.patternId]);
  await inMemory(async (memory) => {
    await memory.revokeResolution(one.patternId, no.resolutionId, ann, moment(2), "wrong too");
  });
  expect(await similar()).toEqual([]);
  expect(await marked()).toEqual([{ answered: false }]);
  await inMemory(async (memory) => {
    await memory.saveResolution(resolution(one, { result: "a third\n" }));
  });
  expect(await similar()).toEqual([one.patternId]);
});

test("what nobody answered stands in no index by which like questions are found", async () => {
  const { rows } = await memories.database.ownerPool().query<{ index: string; condition: string }>(
    `select i.indexrelid::regclass::text as index, pg_get_expr(i.indpred, i.indrelid) as condition
     from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indrelid = 'assent.harmony_patterns'::regclass and a.attname in ('bands', 'semantic_fingerprint')`,
  );
  expect(rows).toHaveLength(2);
  for (const { condition } of rows) expect(condition).toBe("answered");
});
