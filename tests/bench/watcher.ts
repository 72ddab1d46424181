// Waits for runs that the bench has submitted: for the approval that one asks for, and for its end.

import type { Pool } from "pg";

/** As late as this the bench sees that a run waits or has ended; its latencies hold that. */
const LOOK_EVERY_MS = 10;

export type Watcher = {
  /** Statements that looking took. */
  readonly waits: () => number;
  approval(run: string): Promise<{ id: string; digest: string }>;
  end(run: string): Promise<string>;
  stop(): void;
};

/** Looks for all who wait in one statement, so that waiting costs the same however many do. */
export function createWatcher(owner: Pool): Watcher {
  let looks = 0;
  const over = new AbortController();
  const approvals = new Map<string, (found: { id: string; digest: string }) => void>();
  const ends = new Map<string, (state: string) => void>();
  void (async () => {
    while (!over.signal.aborted) {
      // Asked for without a pause it would have a processor to itself, which is then not the harness's.
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      if (approvals.size + ends.size === 0) continue;
      looks += 1;
      const { rows } = await owner.query<{
        run: string;
        state: string;
        id: string | null;
        digest: string | null;
      }>({
        // Planned once: what looking costs is not to be taken for the harness's.
        name: "watch",
        text: `select replace(r.id::text, '-', '') as run, r.state, replace(a.id::text, '-', '') as id,
           encode(a.action_digest, 'hex') as digest
         from unnest($1::uuid[]) want join assent.runs r on r.id = want
         left join assent.approvals a on a.tenant_id = r.tenant_id and a.run_id = r.id and a.state = 'open'`,
        values: [[...new Set([...approvals.keys(), ...ends.keys()])]],
      });
      for (const { run, state, id, digest } of rows) {
        if (id !== null && digest !== null && approvals.has(run)) {
          approvals.get(run)?.({ id: `apr_${id}`, digest: `sha256:${digest}` });
          approvals.delete(run);
        }
        if (["succeeded", "failed", "cancelled", "dead_lettered"].includes(state)) {
          ends.get(run)?.(state);
          ends.delete(run);
        }
      }
    }
  })();
  return {
    waits: () => looks,
    approval: async (run) => await new Promise((resolve) => approvals.set(run, resolve)),
    end: async (run) => await new Promise((resolve) => ends.set(run, resolve)),
    stop: () => {
      over.abort();
    },
  };
}
