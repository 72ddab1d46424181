import { ROUTES } from "@assent/contract";
import { expect, test } from "vitest";
import { attacksOn } from "./foreign-ids.ts";

const EVERYTHING = {
  waiting: { run: "run_1", approval: "apr_1" },
  driven: { run: "run_2", action: "act_1", tool: "send" },
  failed: { run: "run_3", action: "act_2" },
  finished: { run: "run_4", artifact: "art_1" },
  dead: "run_5",
  precedent: "sha256:1",
  escalation: "sha256:2",
  webhook: "whk_1",
  documents: ["doc_1"],
  keys: ["key_1", "key_2"],
  signingKeys: ["sgk_1", "sgk_2"],
  person: "somebody",
};

/** A number within the caller's own log is nobody else's, and a file of the console nobody's. */
const OWN = /\{(?:epoch|version|file)\}/gu;

test("every route of the contract that takes an id is tried with another tenant's, of its own kind and with a body", () => {
  const attacks = attacksOn(EVERYTHING, "sha256:1", "run_6");
  // What needs no key is the same for everybody: the files of the web console.
  const wanted = Object.values(ROUTES).filter(
    ({ path, action }) => action !== "open" && path.replaceAll(OWN, "").includes("{"),
  );
  expect(wanted.length).toBeGreaterThan(20);
  const untried = wanted.filter(
    (route) =>
      !attacks.some(
        (attack) =>
          attack.route === `${route.method} ${route.path}` &&
          (!("body" in route) || route.body.safeParse(attack.body?.(attack.ids)).success),
      ),
  );
  expect(untried.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

test("each has as many ids as its path has places for them", () => {
  for (const { route, ids } of attacksOn(EVERYTHING, "sha256:1", "run_6")) {
    const places = route.replaceAll(OWN, "").match(/\{/gu)?.length ?? 1;
    expect([route, ids.length]).toEqual([route, places]);
  }
});
