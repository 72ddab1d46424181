// What mutants are put to: unit tests of what is mutated. The other projects start databases and servers, and the suite's
// own tests play whole harnesses, once for each mutant.

import { defineConfig, type ViteUserConfig } from "vitest/config";
import { MUTATION_GROUPS } from "./scripts/mutation-groups.ts";
import base from "./vitest.config.ts";

const { tests } = MUTATION_GROUPS[process.env["ASSENT_MUTATION_GROUP"] ?? ""] ?? {
  tests: Object.values(MUTATION_GROUPS).flatMap((one) => one.tests),
};

const config: ViteUserConfig = defineConfig({
  resolve: base.resolve ?? {},
  test: {
    include: tests.filter((pattern) => !pattern.startsWith("!")),
    exclude: tests.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1)),
    globalSetup: ["tests/support/no-real-keys.setup.ts"],
    testTimeout: 60_000,
  },
});

export default config;
