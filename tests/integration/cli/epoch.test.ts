// `assent audit epoch`: what it asks the server for, and what it says when nothing calls for a new log.

import { afterEach, beforeEach, expect, test } from "vitest";
import { assent } from "./support/command.ts";
import { type FakeHarness, sendJson, sendProblem, startFakeHarness } from "./support/fake-harness.ts";

let fake: FakeHarness;
beforeEach(async () => {
  fake = await startFakeHarness();
});
afterEach(async () => await fake.close());

test("a log that goes on is left as it is, and the way round that is named; --anyway goes it", async () => {
  fake.intercept("POST", /audit\/epoch$/, (response) =>
    sendProblem(response, "epoch_not_needed", "The log goes on."),
  );
  const words = ["audit", "epoch", "--reason", "The auditors change."];
  const refused = await assent(fake, words);
  expect(refused.terminal.stderr()).toMatch(
    /The log goes on \(epoch_not_needed\).*assent audit epoch --anyway/s,
  );
  expect(refused.code).not.toBe(0);
  fake.intercept("POST", /audit\/epoch$/, (response) => sendJson(response, 201, { data: [], stopped: null }));
  expect((await assent(fake, [...words, "--anyway"])).code).toBe(0);
  expect(fake.received.map(({ body }) => body)).toEqual([
    { reason: "The auditors change." },
    { reason: "The auditors change.", anyway: true },
  ]);
});
