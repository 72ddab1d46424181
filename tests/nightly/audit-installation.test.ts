// The evidence of a real installation: its own log, its witness, and `assent audit verify --db --state` as a process.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { auditCheckpointSchema } from "@assent/contract";
import { parseVerifierKey } from "@assent/tlog";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startHarness } from "../../packages/harness/src/assemble.ts";
import { readEnvironment } from "../../packages/harness/src/config.ts";
import { until } from "../support/until.ts";
import { startWitnessProcess } from "../support/witness-process.ts";

const PROGRAM = fileURLToPath(new URL("../../packages/harness/bin/assent.mjs", import.meta.url));
let folder: string;
let home: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-installation-"));
  home = join(folder, "home");
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const start = async (config: object): ReturnType<typeof startHarness> => {
  writeFileSync(join(folder, "assent.config.json"), JSON.stringify(config));
  return await startHarness(
    {
      home,
      host: "127.0.0.1",
      port: 0,
      configFile: join(folder, "assent.config.json"),
      model: null,
      announce: true,
      environment: readEnvironment({}),
      log: () => undefined,
    },
    () => undefined,
  );
};

const reportSchema = z.object({
  verified: z.boolean(),
  findings: z.array(z.unknown()),
  tenants: z.array(
    z.object({
      tenant: z.string(),
      waiting: z.object({ count: z.number() }),
      logs: z.array(
        z.object({
          size: z.number(),
          signedSize: z.number(),
          anchorSize: z.number(),
          keys: z.array(z.string()),
        }),
      ),
    }),
  ),
});

/** As an operator calls it, while no server runs. */
async function verifyDatabase(): Promise<z.infer<typeof reportSchema>> {
  const words = ["--home", home, "audit", "verify", "--db", "--state", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...words]);
  return reportSchema.parse(JSON.parse(stdout));
}

const typeOf = (vkey: string): number | null => {
  const key = parseVerifierKey(vkey);
  return key.ok ? key.value.type : null;
};

test("an installation records itself, has its log witnessed, and verifies when nothing runs", async () => {
  const first = await start({});
  if (!first.ok) throw new Error(first.error.detail);
  await first.value.stop();
  const before = await verifyDatabase();
  expect(before).toMatchObject({ verified: true, findings: [] });
  const installation = before.tenants.find(({ tenant }) => tenant === "installation")?.logs[0];
  // What the stop said of itself was signed before the process went.
  expect(before.tenants.map(({ waiting }) => waiting.count)).toEqual([0, 0]);
  expect(installation?.size).toBeGreaterThanOrEqual(3);

  const [key = ""] = installation?.keys ?? [];
  mkdirSync(join(folder, "witness"));
  const witness = await startWitnessProcess(join(folder, "witness"), [key]);
  writeFileSync(
    join(folder, "witnesses.policy"),
    `log ${key}\nwitness one ${witness.vkey} ${witness.url}\nquorum one\n`,
  );
  const second = await start({ evidence: { witnesses: "witnesses.policy", mldsa: true } });
  if (!second.ok) throw new Error(second.error.detail);
  const { url, adminKey } = second.value;
  const headers = { authorization: `Bearer ${adminKey}` };
  const audit = `${url}/api/harness/audit`;
  try {
    // Something has to happen in the tenant's log for there to be something new to be witnessed.
    const rotated = await fetch(`${audit}/rotate`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "idempotency-key": "rotate-1" },
      body: JSON.stringify({ step: "add" }),
    });
    expect(rotated.status).toBe(200);
    await until("the tenant's log was witnessed", async () => {
      const answer = await fetch(`${audit}/logs/1/checkpoint`, { headers });
      return auditCheckpointSchema.parse(await answer.json()).witnessed !== null;
    });
  } finally {
    await second.value.stop();
    await witness.kill();
  }
  const after = await verifyDatabase();
  expect(after).toMatchObject({ verified: true, findings: [] });
  for (const { logs, waiting } of after.tenants) {
    expect(waiting.count).toBe(0);
    for (const { size, signedSize, anchorSize } of logs)
      expect([signedSize, anchorSize]).toEqual([size, size]);
    // Of each type two: what was switched on is rotated with the rest.
    expect(logs[0]?.keys.map((vkey) => typeOf(vkey))).toEqual([0x01, 0x01, 0x06, 0x06]);
  }

  writeFileSync(join(folder, "witnesses.policy"), `log ${key}\nquorum nobody\n`);
  const refused = await start({ evidence: { witnesses: "witnesses.policy" } });
  expect(refused).toMatchObject({ ok: false, error: { code: "witnesses_invalid" } });
});
