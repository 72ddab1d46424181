import { expect, test } from "vitest";
import { actorOf } from "./acting.ts";
import { AgentProvenance } from "./provenance.ts";

const agent = AgentProvenance.agent("robot", "model-1");
const ann = AgentProvenance.human("ann");

test("an agent that its environment names is never a person, whatever is typed", () => {
  const env = { HARMONY_AGENT: "robot", HARMONY_MODEL: "model-1" };
  expect(actorOf({ as: "ann" }, env)).toEqual(agent);
  expect(actorOf({ as: "ann", agent: "other", model: "other" }, env)).toEqual(agent);
});

test("a variable that is set to nothing makes no person of an agent that is named otherwise", () => {
  const env = { HARMONY_AGENT: "", HARMONY_MODEL: "", HARMONY_AS: "" };
  expect(actorOf({ agent: "robot", model: "model-1" }, env)).toEqual(agent);
  expect(actorOf({ as: "ann" }, env)).toEqual(ann);
  expect(actorOf({ as: "", agent: "" }, env)).toEqual(AgentProvenance.human());
  expect(actorOf({}, { HARMONY_AS: "ann" })).toEqual(ann);
});
