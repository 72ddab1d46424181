import { expect, test } from "vitest";
import { joinPersonal, sealedOf, splitPersonal } from "./personal.ts";

test.each([
  ["document_added", { name: "handbook", source: "https://example.org", sha256: "00" }, ["name", "source"]],
  ["log.epoch_begun", { reason: "Ann lost the disk.", before: null }, ["reason"]],
  ["signature_refused", { code: "signature_refused", detail: "x", path: "/api" }, ["detail", "path"]],
  [
    "memory_recorded",
    {
      event_type: "resolution_saved",
      actor: { type: "human", agent_id: null, model_id: null, principal_id: "ann" },
      metadata: { resolution_id: "sha256:00", rationale: "Ann said so.", explanation: "x" },
    },
    ["actor.principal_id", "metadata.explanation", "metadata.rationale"],
  ],
  [
    "memory_recorded",
    {
      event_type: "resolution_applied",
      actor: { type: "agent", agent_id: "builder", model_id: "m" },
      metadata: {
        reason: "exact_verified",
        explanation: "ann answered exactly this on 2026-11-20",
        provenance: { type: "human", agent_id: null, principal_id: "ann" },
      },
    },
    ["metadata.explanation", "metadata.provenance.principal_id"],
  ],
])("of %s the personal fields go, and come back to where they were", (kind, data, fields) => {
  const split = splitPersonal(kind, data) ?? expect.unreachable();
  expect(Object.keys(split.personal)).toEqual(fields);
  for (const value of Object.values(split.personal))
    expect(JSON.stringify(split.plain)).not.toContain(JSON.stringify(value));
  expect(joinPersonal({ ...split.plain, sealed: "v1.x" }, split.personal)).toEqual(data);
});

test("a payload without any is left as it is", () => {
  for (const [kind, data] of [
    ["step_intended", { step: 1, name: "read_file" }],
    ["document_added", { name: null, sha256: "00" }],
    ["memory_recorded", { actor: { type: "agent", principal_id: null }, metadata: { resolution_id: "x" } }],
    ["memory_recorded", { actor: "nobody", metadata: [] }],
    [
      "memory_recorded",
      { metadata: { reason: "no_precedent", explanation: "No policy or resolution found for pattern" } },
    ],
    ["constructor", { name: "x" }],
  ] as const)
    expect(splitPersonal(kind, data)).toBeNull();
});

test("nothing is changed in place", () => {
  const data = Object.freeze({ actor: Object.freeze({ principal_id: "ann" }), metadata: {} });
  expect(splitPersonal("memory_recorded", data)?.plain).toEqual({ actor: {}, metadata: {} });
  expect(data.actor.principal_id).toBe("ann");
});

test("what is sealed stands under one name, and is a text", () => {
  expect(sealedOf({ sealed: "v1.x" })).toBe("v1.x");
  for (const none of [{}, { sealed: 1 }, null, "v1.x", ["v1.x"]]) expect(sealedOf(none)).toBeNull();
});
