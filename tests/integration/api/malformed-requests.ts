// Malformed requests of every kind that an HTTP client can be made to send.

import type { ProblemCode } from "@assent/contract";
import type { Sent } from "./client.ts";
import { MALFORMED_BODIES } from "./malformed-bodies.ts";
import { MALFORMED_TARGETS } from "./malformed-targets.ts";

export type Bad = Sent & {
  readonly name: string;
  /** The problem that it must be answered with. */
  readonly code: ProblemCode;
};

export const MALFORMED: readonly Bad[] = [...MALFORMED_BODIES, ...MALFORMED_TARGETS];
