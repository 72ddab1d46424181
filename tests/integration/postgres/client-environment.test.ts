// What a shell says for other programs of Postgres's: whoever works on managed databases has it set for good.

import { afterEach, expect, test, vi } from "vitest";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { makeScratchFolder } from "./processes.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const FOREIGN: Readonly<Record<string, string>> = {
  PGSSLMODE: "require",
  PGSSLNEGOTIATION: "direct",
  PGOPTIONS: "-c default_transaction_read_only=on -c no_such_setting=1",
  PGHOST: "nowhere.invalid",
  PGUSER: "nobody",
};

test("the environment reaches neither the embedded database nor a session of ours", async () => {
  for (const [name, value] of Object.entries(FOREIGN)) vi.stubEnv(name, value);
  await using folder = makeScratchFolder();
  const opened = await openEmbedded({ folder: folder.path, fsync: false });
  if (!opened.ok) throw new Error(opened.error.message);
  await using server = opened.value;
  const pool = connectPool({ connection: server.connection("app"), role: "app" });
  try {
    const { rows } = await pool.query("select current_setting('transaction_read_only') as only");
    expect(rows).toEqual([{ only: "off" }]);
  } finally {
    await pool.end();
  }
});
