// Times that an event says, as rows are read for a comparison.

import type { ExactTime } from "../../ports.ts";

/** @returns null where the event says that there is no such time, or nothing that is one */
export const exactTime = (time: unknown): ExactTime | null =>
  typeof time === "string" ? (Date.parse(time) / 1000).toFixed(6) : null;
