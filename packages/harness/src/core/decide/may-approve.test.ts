import { expect, test } from "vitest";
import { countVotes, refuseApprover } from "./may-approve.ts";
import type { Assent } from "./policy-annotations.ts";

type Voter = Parameters<typeof refuseApprover>[1];

const voter = (name: string, kind: "human" | "service" = "human"): Voter => ({
  id: `prn_${Buffer.from(`${kind}/${name}`).toString("hex").padEnd(32, "0").slice(0, 32)}`,
  kind,
  name,
});
const wanting = (more: Partial<Assent> = {}): Assent => ({
  quorum: 1,
  separateDuties: false,
  timeoutMs: 1_000,
  onTimeout: "deny",
  ...more,
});
const ann = voter("ann");
const requester = voter("requester", "service");

test.each([
  ["one yes is wanted", wanting(), voter("robot", "service"), null],
  ["two are", wanting({ quorum: 2 }), voter("robot", "service"), "not_an_approver"],
  ["somebody else's is", wanting({ separateDuties: true }), voter("robot", "service"), "not_an_approver"],
  [
    "it is named",
    wanting({ quorum: 2, approvers: ["ann", "service/robot"] }),
    voter("robot", "service"),
    null,
  ],
  [
    "a person of its name is",
    wanting({ approvers: ["robot"] }),
    voter("robot", "service"),
    "not_an_approver",
  ],
  ["a person says so", wanting({ quorum: 2, separateDuties: true }), ann, null],
])("whether a yes counts where %s", (_, requirement, actor, code) => {
  expect(refuseApprover(requirement, requester, actor, false)?.code ?? null).toBe(code);
});

test.each(["ann", "Ann", "corp:ann", "corp:ANN"])("who asked as ann is not somebody else as %s", (name) => {
  const requirement = wanting({ separateDuties: true });
  expect(refuseApprover(requirement, ann, voter(name), false)?.code).toBe("four_eyes");
  expect(refuseApprover(requirement, ann, voter("corp:ben"), false)).toBeNull();
  // A service that is called like a person is in its own right what the rule named.
  const named = wanting({ separateDuties: true, approvers: ["service/ann"] });
  expect(refuseApprover(named, ann, voter("ann", "service"), false)).toBeNull();
});

test("each person counts once, whatever they are called, and what does not count is passed over", () => {
  const two = wanting({ quorum: 3, separateDuties: true });
  const given = [ann, voter("robot", "service"), requester, voter("corp:ben")];
  expect(countVotes(two, requester, given, voter("carol"))).toEqual({ votes: 3 });
  expect(countVotes(two, requester, given, voter("other:Ann"))).toEqual({ same: ann });
});
