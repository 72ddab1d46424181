// What mutants are put to: unit tests of what is mutated. The other projects start databases and servers, and the suite's
// own tests play whole harnesses, once for each mutant.

import { defineConfig, type ViteUserConfig } from "vitest/config";
import base from "./vitest.config.ts";

const config: ViteUserConfig = defineConfig({
  resolve: base.resolve ?? {},
  test: { include: ["packages/{harness/src/core,tlog/src}/**/*.test.ts"], testTimeout: 60_000 },
});

export default config;
