// Every scenario of every tier, and the drills, over two processes; and over one those that the gate puts to two.

import { DRILLS, PACE, SCENARIOS } from "@assent/suite";
import { createInProcessTarget, createProcessesTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";
import { SHARED } from "../support/target/shared.ts";

prove([...SCENARIOS, ...DRILLS], createProcessesTarget({ commands: true, queuedRunsMax: 40 }), {
  ...PACE,
  thorough: true,
});

prove(SHARED, createInProcessTarget({ commands: true }), { ...PACE, thorough: true });
