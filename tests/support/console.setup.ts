// vitest's part: a run that did not come through setup.mjs has the console of its own sources all the same.

import { buildConsole } from "../../scripts/build-console.mjs";

export function setup(): void {
  const fault = buildConsole();
  if (fault !== null) throw new Error(`the web console could not be built: ${fault}`);
}
