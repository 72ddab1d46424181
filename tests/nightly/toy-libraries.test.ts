// Who tests the tester, where tenants keep documents: the scenario of them passes on the good toy, and each bug of whoever keeps them is
// found.

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { runTrial } from "../../packages/suite/src/runner.ts";
import {
  isLibraryBug,
  LIBRARY_BUGS,
  type LibraryBug,
  type LibraryWay,
  LIBRARY_WAYS,
  isLibraryWay,
} from "../../packages/suite/src/toy/library-bugs.ts";
import { createToyTarget } from "../../packages/suite/src/toy/toy-target.ts";

/** The words of the claim that must be the one to fail. */
const KILLS: Record<LibraryBug, string> = {
  "lib.all": "no passage of another tenant's",
  "lib.topk": "passages of the own tenant stand in a tool's result",
  "lib.beside": "passages of the own tenant stand in a tool's result",
  "lib.user": "passages of the own tenant stand in a tool's result",
  "lib.tool": "no passage of another tenant's",
  "lib.cache": "and nothing of ours",
  "lib.pages": "no list and no search shows another tenant's",
  "lib.names": "no name of another tenant's document",
  "lib.twins": "what another tenant has is untouched by what we add and remove",
  "lib.place": "all of one's own are in the list",
  "lib.lists": "no list and no search shows another tenant's",
  "lib.shifted": "and is of the document that it names",
  "lib.kept": "what was removed is in no prompt any more",
  "lib.about": "metadata is in no prompt",
};

async function tryOn(bugs: readonly (LibraryBug | LibraryWay)[]): Promise<readonly [string, string]> {
  const scenario = SCENARIOS.find(({ id }) => id.includes("retrieval_prompt"));
  if (scenario === undefined) throw new Error("there is no such scenario");
  const target = createToyTarget(bugs, "documents");
  await target.start();
  try {
    const pace = { waitMsMax: 60_000, holdMs: 150 };
    const { verdict, reason } = await runTrial(scenario, target, { seed: 42, pace });
    return [verdict, reason];
  } finally {
    await target.stop();
  }
}

test("the good toy passes", async () => {
  expect(await tryOn([])).toEqual(["PASS", ""]);
});

test.concurrent.each(Object.keys(LIBRARY_WAYS).filter(isLibraryWay))(
  "whoever differs in what is theirs passes: %s",
  async (way) => {
    expect(await tryOn([way])).toEqual(["PASS", ""]);
  },
);

test.concurrent.each(Object.keys(LIBRARY_BUGS).filter(isLibraryBug))("%s is found", async (bug) => {
  expect(await tryOn([bug])).toEqual(["FAIL", expect.stringContaining(KILLS[bug])]);
});
