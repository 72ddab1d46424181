#!/usr/bin/env node
// In the repository this runs the source: Node strips the types, and the hook makes workspace packages resolve to their
// sources too, without a flag on the command line. Installed elsewhere it runs what was built: Node strips no types
// below node_modules.

import * as nodeModule from "node:module";
import { existsSync } from "node:fs";

const source = new URL("../src/cli.ts", import.meta.url);
const fromSource = existsSync(source) && !source.pathname.includes("/node_modules/");

if (fromSource && nodeModule.registerHooks === undefined) {
  console.error(`assent-suite: needs Node 24 or newer, this is ${process.version}; run it with npm`);
  process.exit(2);
}
if (fromSource) {
  nodeModule.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: ["assent-source", ...context.conditions] }),
  });
}
const { main } = await import(fromSource ? source.href : new URL("../dist/cli.js", import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));
