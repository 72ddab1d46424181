import { uuidOf } from "@assent/contract";
import { postgresLogStore } from "../../src/adapters/postgres/audit-log.ts";
import type { BenchDatabase } from "./database.ts";

const EVENTS = 200;

/** From the commit of an event to the signed checkpoint that covers it, one event at a time. */
export async function measureCover(bench: BenchDatabase): Promise<void> {
  const keeper = bench.startKeeper();
  const store = postgresLogStore(bench.app, bench.sealing);
  const waits: number[] = [];
  for (let i = 0; i < EVENTS; i += 1) {
    const subject = `cover:${i}`;
    await store.transaction(bench.tenant, async (tx) => {
      await tx.addFact({ subject, at: new Date(), kind: "bench", actor: null, payload: "{}" });
    });
    const begun = performance.now();
    keeper.wake();
    for (;;) {
      const covered = await store.transaction(bench.tenant, async (tx) => {
        const event = await tx.eventOf(subject);
        return event !== null && (await tx.isCovered(event));
      });
      if (covered) break;
    }
    waits.push(performance.now() - begun);
  }
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
  const { rows } = await bench.owner.query<{ note: string; size: string }>(
    "select size, note from assent.audit_checkpoints where tenant_id = $1 order by size desc limit 1",
    [uuidOf(bench.tenant)],
  );
  process.stdout.write(
    `\nevent to signed checkpoint, ${EVENTS} events: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
  );
  process.stdout.write(`proof: ${proofBytes(rows[0]?.note ?? "", 10)} bytes at 1,000 entries, `);
  process.stdout.write(`${proofBytes(rows[0]?.note ?? "", 20)} bytes at 1,000,000\n`);
  await keeper.stop();
}

// A line of 45 characters for each hash between leaf and root.
const proofBytes = (note: string, hashes: number): number =>
  Buffer.byteLength(`c2sp.org/tlog-proof@v1\nindex 999999\n\n${note}`) + hashes * 45;
