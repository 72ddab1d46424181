// The suite against Assent over two processes: the drills, and what two processes can make harder. What a model was
// sent, which paths a tool refuses, or how a driven run is judged is the same in any number of them; the night has all
// of it (tests/nightly/scenarios.test.ts).

import { DRILLS, PACE, SCENARIOS } from "@assent/suite";
import { createProcessesTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

const SAME = ["provider", "paths", "external_runs", "outages", "deputy", "plans", "settings"] as const;

prove(
  [
    ...SCENARIOS.filter(({ tier, needs }) => tier <= 1 && !SAME.some((need) => needs.includes(need))),
    ...DRILLS,
  ],
  createProcessesTarget(),
  // Statements fail alike in any number of processes; here one is killed in the middle of a transaction.
  { ...PACE, strikes: 0 },
);
