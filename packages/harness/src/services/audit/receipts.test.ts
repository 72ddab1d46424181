import { type ApprovalId, idFromUuid, type RunId, type TenantId } from "@assent/contract";
import { leafHash } from "@assent/tlog";
import { expect, test } from "vitest";
import type { CoveredEntry, Decided } from "../../ports.ts";
import { createReceipts, type EventProof } from "./receipts.ts";

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const tenant: TenantId = idFromUuid("ten", uuid(1));
const run: RunId = idFromUuid("run", uuid(2));
const approval = (n: number): ApprovalId => idFromUuid("apr", uuid(100 + n));

// A log of two entries, each with a decision, and whoever asks for its rows.
const leaves = [Buffer.from("first"), Buffer.from("second")] as const;
const hashes = leaves.map((leaf) => leafHash(leaf));
const covered = (index: 0 | 1): CoveredEntry => ({
  epoch: 1,
  index,
  leaf: leaves[index],
  checkpoint: { size: 2, note: "a note\n" },
});

type Look = PromiseWithResolvers<readonly (CoveredEntry | null)[]> & {
  readonly asked: readonly ApprovalId[];
};

function openStore(): {
  readonly looks: Look[];
  readonly ranges: number[];
  readonly receiptOf: (n: number) => Promise<EventProof | null>;
} {
  const looks: Look[] = [];
  const ranges: number[] = [];
  const find = createReceipts({
    decisionEntries: async (_tenant, decided: readonly Decided[]) => {
      const look = {
        asked: decided.map((one) => one.approval),
        ...Promise.withResolvers<readonly (CoveredEntry | null)[]>(),
      };
      looks.push(look);
      return await look.promise;
    },
    hashRanges: async (_tenant, _epoch, wanted) => {
      ranges.push(wanted.length);
      return await Promise.resolve(wanted.map(({ from, count }) => hashes.slice(from, from + count)));
    },
  });
  return { looks, ranges, receiptOf: async (n) => await find(tenant, run, approval(n)) };
}

/** Until nothing is left to be done but by somebody else. */
const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test("who asks while a look is under way is answered by the next one, all of them by the same", async () => {
  const { looks, ranges, receiptOf } = openStore();
  const first = receiptOf(0);
  await settled();
  const [second, third, fourth] = [receiptOf(1), receiptOf(2), receiptOf(0)];
  expect(looks.map(({ asked }) => asked)).toEqual([[approval(0)]]);
  looks[0]?.resolve([null]);
  expect(await first).toBeNull();
  await settled();
  expect(looks.map(({ asked }) => asked)).toEqual([[approval(0)], [approval(1), approval(2), approval(0)]]);
  looks[1]?.resolve([covered(1), null, covered(0)]);
  expect(await third).toBeNull();
  const [one, other] = [await second, await fourth];
  expect([one?.leaf, other?.leaf]).toEqual([leaves[1], leaves[0]]);
  // Each is proved by the other entry's hash, and both are read at once.
  expect(one?.proof).toContain(Buffer.from(hashes[0] ?? []).toString("base64"));
  expect(other?.proof).toContain(Buffer.from(hashes[1] ?? []).toString("base64"));
  expect(ranges).toEqual([1]);
  // And then it begins anew.
  const again = [receiptOf(1), receiptOf(2)];
  await settled();
  expect(looks).toHaveLength(3);
  expect(looks[2]?.asked).toEqual([approval(1), approval(2)]);
  looks[2]?.resolve([null, null]);
  expect(await Promise.all(again)).toEqual([null, null]);
});

test("what is wrong with one of them is answered to nobody else", async () => {
  const { looks, receiptOf } = openStore();
  const first = receiptOf(0);
  await settled();
  const ends = Promise.allSettled([receiptOf(0), receiptOf(1)]);
  looks[0]?.resolve([null]);
  await first;
  await settled();
  looks[1]?.reject(new Error("its rows are damaged"));
  await settled();
  expect(looks[2]?.asked).toEqual([approval(0)]);
  looks[2]?.resolve([covered(0)]);
  await settled();
  expect(looks[3]?.asked).toEqual([approval(1)]);
  looks[3]?.reject(new Error("its rows are damaged"));
  expect(await ends).toMatchObject([
    { status: "fulfilled", value: { index: 0 } },
    { status: "rejected", reason: { message: "its rows are damaged" } },
  ]);
});

test("more than fit into one look are answered by several", async () => {
  const { looks, receiptOf } = openStore();
  const first = receiptOf(0);
  await settled();
  const others = Array.from({ length: 70 }, async () => await receiptOf(0));
  for (const most of [1, 64, 6]) {
    await settled();
    expect(looks.at(-1)?.asked).toHaveLength(most);
    looks.at(-1)?.resolve(Array.from({ length: most }, () => covered(0)));
  }
  expect((await first)?.index).toBe(0);
  expect(new Set((await Promise.all(others)).map((proof) => proof?.index))).toEqual(new Set([0]));
});
