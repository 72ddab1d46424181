// A journal with a gap, which the database would refuse: whoever reads it stops there.

import { type RunId, uuidOf } from "@assent/contract";
import type { Engine } from "./engine.ts";

export async function poisonJournal({ database }: Pick<Engine, "database">, run: RunId): Promise<void> {
  const owner = database.ownerPool();
  await owner.query("alter table assent.steps disable trigger user");
  await owner.query(
    `insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, started_at)
     select tenant_id, id, 70, 'model', 'x', 'intended', 'none', '{"kind":"model"}', now() from assent.runs where id = $1`,
    [uuidOf(run)],
  );
  await owner.query("alter table assent.steps enable trigger user");
}
