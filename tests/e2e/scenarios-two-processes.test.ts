// The suite against Assent over two processes: the drills, and what only several processes can break. The night has all
// of it (tests/nightly/scenarios.test.ts).

import { DRILLS, PACE } from "@assent/suite";
import { createProcessesTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";
import { SHARED } from "../support/target/shared.ts";

prove([...SHARED, ...DRILLS], createProcessesTarget(), PACE);
