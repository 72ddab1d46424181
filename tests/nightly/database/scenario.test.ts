// Every statement of a run's life struck, on the product in one process; in the gate it is a few of them. Contention and
// recovery of the database over two processes: tests/nightly/scenarios.test.ts.

import { PACE, SCENARIOS } from "@assent/suite";
import { createInProcessTarget } from "../../support/target/local-target.ts";
import { prove } from "../../support/target/prove.ts";

/** More than a life has statements: all of them. */
const EVERY = 1_000;

prove(
  SCENARIOS.filter(({ id }) => id.endsWith("/api_to_orchestrator_to_db_atomicity")),
  createInProcessTarget(),
  { ...PACE, strikes: EVERY },
);
