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

test.each<[string, Partial<Assent>, Voter, string | null]>([
  ["one yes is wanted", {}, ann, null],
  ["several people have to agree", { quorum: 2 }, ann, "an edit would be news to the others"],
  ["whoever makes it may not agree to it", { separateDuties: true }, ann, "have to be different people"],
  ["it is for others to approve", { approvers: ["ben"] }, ann, "It is for ben to approve."],
])("an edit where %s", (_, requirement, actor, detail) => {
  const found = refuseApprover(wanting(requirement), requester, actor, true);
  if (detail === null) expect(found).toBeNull();
  else expect(found?.detail).toContain(detail);
  expect(found?.code ?? null).toBe(
    detail === null ? null : detail.startsWith("It is for") ? "not_an_approver" : "edit_refused",
  );
});

test("each refusal says whom it takes", () => {
  const robot = voter("robot", "service");
  const said = (more: Partial<Assent>, actor: Voter, asker: Voter = requester): string | undefined =>
    refuseApprover(wanting(more), asker, actor, false)?.detail;
  expect(said({ approvers: ["ben", "carol"] }, ann)).toBe("It is for ben, carol to approve.");
  expect(said({ separateDuties: true }, ann, ann)).toBe("The run was asked for with this principal's key.");
  expect(said({ separateDuties: true }, voter("corp:ann"), ann)).toBe(
    "The run was asked for by ann, the same person.",
  );
  expect(said({ quorum: 2 }, robot)).toBe(
    'It takes people, and a service counts only where the rule names it: "service/robot" among its @approvers.',
  );
});

test("a principal whose name changed meanwhile is not somebody else", () => {
  const renamed = { ...ann, name: "zoe" };
  const requirement = wanting({ separateDuties: true });
  expect(refuseApprover(requirement, ann, renamed, false)?.code).toBe("four_eyes");
  expect(countVotes(wanting({ quorum: 2 }), requester, [ann], renamed)).toEqual({ same: ann });
});
