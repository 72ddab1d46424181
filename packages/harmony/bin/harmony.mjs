#!/usr/bin/env node
// Runs from the source where it is there (a checkout; Node strips the types), else from the build (an installed package).
import { existsSync, statSync } from "node:fs";
import * as nodeModule from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";

const source = new URL("../src/cli.ts", import.meta.url);
const built = new URL("../dist/cli.js", import.meta.url);
// An installed package ships its source as well, but Node strips no types below node_modules.
const fromSource = existsSync(source) && !source.pathname.includes("/node_modules/");
// An older Node knows no hooks, and could not even load a file that asks for them by name.
if (fromSource && nodeModule.registerHooks === undefined) {
  console.error(`harmony: needs Node 24 or newer, this is ${process.version}; run it with npm`);
  process.exit(2);
}
if (fromSource) {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, "assent-source"] }),
  });
}
// What was compiled once is taken up again. Beside the code and by its owner only: whoever could change it could change the code.
const own = fileURLToPath(new URL("..", import.meta.url));
if (nodeModule.enableCompileCache !== undefined && statSync(own).uid === (process.getuid?.() ?? 0))
  nodeModule.enableCompileCache(`${own}node_modules/.cache/compiled`);

const { runCli } = await import((fromSource ? source : built).href);

// A reader that went away (`harmony audit | head`) is no error.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
});
process.exitCode = await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  now: () => new Date(),
  writeOut: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
});
