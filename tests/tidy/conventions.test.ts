// The names under which telemetry speaks, held against the installed package of the conventions that the code and the
// docs say they are of.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  BEYOND_CONVENTIONS,
  CONVENTIONS,
  ERROR_TYPE,
  GEN_AI,
  HTTP,
  METRICS,
} from "../../packages/harness/src/core/telemetry/names.ts";
import { listFiles, read, ROOT } from "./tree.ts";

const folder = `${ROOT}node_modules/${CONVENTIONS.package}`;

/** Every text in quotes of the package's own lists of that kind. */
function namesOf(kind: "attributes" | "metrics"): ReadonlySet<string> {
  const texts = ["stable", "experimental"].map((level) =>
    readFileSync(`${folder}/dist/${level}_${kind}.mjs`, "utf8"),
  );
  return new Set([...texts.join("\n").matchAll(/["']([a-z0-9_.]+)["']/g)].map(([, name = ""]) => name));
}

test("the installed package is the one that is pinned, at its commit", () => {
  const installed: unknown = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  expect(installed).toMatchObject({ version: CONVENTIONS.version, gitHead: CONVENTIONS.commit });
  const docs = read("docs/observability.md");
  expect(docs).toContain(`${CONVENTIONS.package}\` ${CONVENTIONS.version}`);
  expect(docs).toContain(CONVENTIONS.commit);
});

test("every name that is not ours is one of that package's, but for those that say so", () => {
  const attributes = namesOf("attributes");
  const unknown = [...Object.values(GEN_AI), ...Object.values(HTTP), ERROR_TYPE].filter(
    (name) => !attributes.has(name),
  );
  expect(unknown).toEqual([]);
  const metrics = namesOf("metrics");
  const beyond = Object.keys(METRICS).filter((name) => !name.startsWith("assent.") && !metrics.has(name));
  expect(beyond.toSorted()).toEqual([...BEYOND_CONVENTIONS].toSorted());
});

test("names of others stand in one file", () => {
  const others = listFiles("packages/harness/src/**/*.ts").filter(
    (file) => !file.endsWith(".test.ts") && !file.endsWith("core/telemetry/names.ts"),
  );
  const speaking = others.filter((file) =>
    /["'`]gen_ai\.(?!client\.|execute_tool\.|invoke_agent\.)/.test(read(file)),
  );
  expect(speaking).toEqual([]);
});
