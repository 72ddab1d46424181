// Nothing lost, nothing twice: a fleet of servers and workers under random SIGKILLs, with the effects of its runs counted
// outside of it. `npm run bench:kills -- --help` says how.

import { parseArgs } from "node:util";
import { runFleetChaos } from "../support/target/fleet-chaos.ts";

const HELP = `npm run bench:kills -- [options]
  --runs <n>       runs, each with one effect after one approval (default 10000)
  --kills <n>      SIGKILLs, at most; spread over the runs (default 1000)
  --stops <n>      processes stopped (SIGSTOP) for longer than a lease, at most; one at a time (default 0)
  --seed <n>       chooses victims and distances (default 1)
  --in-flight <n>  runs at the same time (default 24)
  --servers <n>    (default 2)
  --workers <n>    (default 3)
  --minutes <n>    after so long no further run is begun (default: no end)
Somebody outside is told of every end by a webhook.
It prints how far it is every half a minute, then one line of JSON, and ends with 1 if anything was lost, stuck, done
twice, is missing from the evidence or was not told.`;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    runs: text,
    kills: text,
    stops: text,
    seed: text,
    "in-flight": text,
    servers: text,
    workers: text,
    minutes: text,
    help: { type: "boolean" },
  },
});

function whole(
  name: "runs" | "kills" | "stops" | "seed" | "in-flight" | "servers" | "workers",
  otherwise: number,
): number {
  const given = values[name];
  if (given === undefined) return otherwise;
  if (!/^[1-9]\d{0,8}$/.test(given)) throw new Error(`--${name} takes a whole number from 1, not "${given}"`);
  return Number(given);
}

const out = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help === true) out(HELP);
else {
  const runs = whole("runs", 10_000);
  const kills = whole("kills", 1_000);
  const report = await runFleetChaos({
    seed: whole("seed", 1),
    servers: whole("servers", 2),
    workers: whole("workers", 3),
    runs,
    kills,
    ...(values.stops === undefined ? {} : { stops: whole("stops", 0) }),
    inFlight: whole("in-flight", 24),
    isTold: true,
    ...(values.minutes === undefined ? {} : { msMax: Number(values.minutes) * 60_000 }),
    onProgress: ({ begun, ended, kills: killed, effects, unanswered, seconds }) => {
      const rate = ended / seconds;
      out(
        `${seconds} s: ${ended} of ${runs} runs ended (${begun - ended} under way), ${effects} effects, ${killed} of ${kills} kills, ${unanswered} requests unanswered; ${rate.toFixed(1)} runs/s, ${((runs - ended) / rate / 60).toFixed(0)} min left`,
      );
    },
  });
  out(JSON.stringify(report));
  const isClean =
    report.succeeded === report.runs &&
    report.effects === report.runs &&
    report.stored["succeeded"] === report.runs &&
    Object.keys(report.stored).length === 1 &&
    report.duplicates === 0 &&
    report.isAuditVerified &&
    [
      report.lost,
      report.stuck,
      report.fell,
      report.unmatched,
      report.untold,
      report.contradictions,
      report.auditFindings,
    ].every(({ length }) => length === 0);
  out(isClean ? "Nothing lost, nothing stuck, nothing twice; the evidence is whole." : "NOT clean.");
  process.exitCode = isClean ? 0 : 1;
}
