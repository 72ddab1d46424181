// Every scenario of every tier, and the drills, over two processes.

import { DRILLS, PACE, SCENARIOS } from "@assent/suite";
import { createProcessesTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

prove([...SCENARIOS, ...DRILLS], createProcessesTarget({ commands: true, queuedRunsMax: 40 }), {
  ...PACE,
  thorough: true,
});
