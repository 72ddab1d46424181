// vitest's part: once for a run of whatever projects, before anything is started.

import { findRealKeys, refusalOf } from "../../scripts/real-keys.ts";

export function setup(): void {
  const refusal = refusalOf(findRealKeys(process.env));
  if (refusal !== null) throw new Error(refusal);
}
