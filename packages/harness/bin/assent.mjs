#!/usr/bin/env node
// Starts the command line. Plain JavaScript that also older versions of node can read, so that they can be told what
// to do; everything else is loaded after that.

import { existsSync, statSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `assent: it needs Node 24.11 or newer and this is ${process.versions.node} (node_too_old). ` +
      "In the repository `npx assent` and the npm scripts bring their own; elsewhere install Node 24.\n",
  );
  process.exit(2);
}

// A checkout runs from source, its workspace packages too, whatever a build once left there. Installed elsewhere it runs
// what was built: Node strips no types below node_modules.
const source = new URL("../src/cli/process.ts", import.meta.url);
const built = !existsSync(source) || source.pathname.includes("/node_modules/");
if (!built)
  module.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: [...context.conditions, "assent-source"] }),
  });

// What was compiled once is taken up again: two thirds of what a command costs. Kept beside the code and by its owner only, so
// that whoever could change it could change the code; nothing is kept where that cannot be written.
const own = fileURLToPath(new URL("..", import.meta.url));
if (statSync(own).uid === (process.getuid?.() ?? 0))
  module.enableCompileCache(`${own}node_modules/.cache/compiled`);

const load = (name) =>
  import(new URL(built ? `../dist/${name}.js` : `../src/${name}.ts`, import.meta.url).href);

const { runProcess } = await load("cli/process");
// Loaded only by the commands that start a harness here: the others need neither server nor database.
await runProcess(async (...args) => (await load("start")).startFromCommandLine(...args));
