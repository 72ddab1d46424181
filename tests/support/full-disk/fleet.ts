// A fleet whose home lies on a disk that is full again and again, for longer each time. Prints the report as one line of JSON.

import { runFleetChaos } from "../target/fleet-chaos.ts";

const FILL_SECONDS = [2, 5, 12, 25] as const;

const [folder = ""] = process.argv.slice(2);
const report = await runFleetChaos({
  seed: 1,
  servers: 1,
  workers: 2,
  runs: Number(process.env["FLEET_RUNS"] ?? 600),
  kills: 0,
  inFlight: 8,
  fullDisk: { folder, fillMs: FILL_SECONDS.map((seconds) => seconds * 1_000) },
});
process.stdout.write(`${JSON.stringify(report)}\n`);
