// What the evidence costs and gives: throughput of small transactions and of whole runs, with and without it, alternating in
// one run; how long from a committed event to its signed checkpoint; what sealing costs; offline verification; the size
// of a proof.
//   npm run bench:audit              npm run bench:audit -- 10 3     (seconds a round, rounds)
// Runs on an embedded Postgres of its own in the system's temporary folder, with fsync on.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureCover } from "./audit/cover.ts";
import { openBenchDatabase } from "./audit/database.ts";
import { measureSealing } from "./audit/sealing.ts";
import { measureThroughput } from "./audit/throughput.ts";
import { measureVerification } from "./audit/verification.ts";

const [seconds = 4, rounds = 3] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "assent-bench-audit-"));
try {
  {
    await using bench = await openBenchDatabase(join(folder, "home"));
    await measureThroughput(bench, seconds, rounds);
    await measureCover(bench);
    await measureSealing(bench);
  }
  spawnSync(
    process.execPath,
    [
      "--conditions=assent-source",
      fileURLToPath(new URL("../../../tests/bench/runs.bench.ts", import.meta.url)),
      "--evidence",
    ],
    { stdio: "inherit" },
  );
  measureVerification(join(folder, "export"));
} finally {
  rmSync(folder, { recursive: true });
}
