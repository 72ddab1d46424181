// What is left of a fleet when all of its processes have ended: the database, looked at as its owner, and the evidence,
// verified by the program that an auditor would use.

import { execFile } from "node:child_process";
import { z } from "zod";
import { compiledBefore } from "../compiled.ts";
import { type Connection, connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { CONTRADICTIONS } from "./contradictions.ts";
import type { Installation } from "./installation.ts";
import { PRESENT_PROGRAM } from "./program-copy.ts";

export type Evidence = {
  /** Runs by their state, as they are stored. */
  readonly stored: Readonly<Record<string, number>>;
  /** What the database holds and must not. */
  readonly contradictions: readonly string[];
  /** Events of the runs, and whether every one of them is where it should be: `assent audit verify --db --state`. */
  readonly events: number;
  readonly isAuditVerified: boolean;
  readonly auditFindings: readonly string[];
};

const VERDICT_BYTES_MAX = 64 * 1024 * 1024;

const verdictSchema = z.object({
  verified: z.boolean(),
  findings: z.array(z.unknown()),
  tenants: z.array(z.looseObject({ tenant: z.string(), waiting: z.object({ count: z.number() }) })),
});

async function verifyAudit({
  home,
  folder,
  environment,
}: Installation): Promise<z.infer<typeof verdictSchema>> {
  const words = [PRESENT_PROGRAM, "audit", "verify", "--db", "--state", "--json", "--home", home];
  const said = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      words,
      {
        cwd: folder,
        maxBuffer: VERDICT_BYTES_MAX,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: process.env["HOME"] ?? "",
          ...compiledBefore(),
          ...environment,
        },
      },
      // Exit code 1 is a verdict; only what says nothing at all is a failure of the look.
      (error, out, errors) => {
        if (out === "") reject(new Error(`the evidence could not be verified: ${errors}`, { cause: error }));
        else resolve(out);
      },
    );
  });
  return verdictSchema.parse(JSON.parse(said));
}

async function openOwn({ home }: Installation, stack: AsyncDisposableStack): Promise<Connection> {
  const opened = await openEmbedded({ folder: home });
  if (!opened.ok) throw new Error(opened.error.message);
  return stack.use(opened.value).connection("owner");
}

/**
 * To be called when none of the installation's processes is left.
 * @param given the owner's way to the database, where it is not the home's own
 */
export async function readEvidence(installation: Installation, given?: Connection): Promise<Evidence> {
  const verdict = await verifyAudit(installation);
  await using stack = new AsyncDisposableStack();
  const connection = given ?? (await openOwn(installation, stack));
  const pool = connectPool({ connection, role: "owner", connectionsMax: 1 });
  try {
    const { rows: states } = await pool.query<{ state: string; runs: number }>(
      "select state, count(*)::int as runs from assent.runs group by state order by state",
    );
    const { rows: events } = await pool.query<{ events: number }>(
      "select count(*)::int as events from assent.audit_events where run_id is not null",
    );
    const contradictions: string[] = [];
    for (const [what, sql] of CONTRADICTIONS)
      if ((await pool.query(`${sql} limit 1`)).rows.length > 0) contradictions.push(what);
    // That a member stopped is recorded by itself, and may be after the last that keeps logs: it waits for the next start.
    const waiting = verdict.tenants
      .filter(({ tenant }) => tenant !== "installation")
      .reduce((sum, tenant) => sum + tenant.waiting.count, 0);
    return {
      stored: Object.fromEntries(states.map(({ state, runs }) => [state, runs])),
      contradictions,
      events: events[0]?.events ?? 0,
      isAuditVerified: verdict.verified,
      auditFindings: [
        ...verdict.findings.map((finding) => JSON.stringify(finding)),
        // The last to be ended has its logs signed to the end.
        ...(waiting === 0 ? [] : [`${waiting} events are in no tree`]),
      ],
    };
  } finally {
    await pool.end();
  }
}
