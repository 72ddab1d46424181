// A process that changes the sealing key for as long as it lives, for who kills it. Given by its environment: where the
// database is, and the folder of the keys. Writes a line whenever a change is done.

import { connectPool } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { changeSealingKey } from "../../packages/harness/src/services/audit/sealing-keys.ts";
import { sealingIn } from "./sealing.ts";

const { password, folder, ...address } = JSON.parse(process.env["REKEY"] ?? "{}");
const pool = connectPool({ connection: { ...address, password: () => password }, role: "app" });
const keys = sealingIn(pool, folder);
for (;;) {
  const changed = await changeSealingKey(keys);
  if (!changed.ok) throw new Error(changed.error.detail);
  process.stdout.write("changed\n");
}
