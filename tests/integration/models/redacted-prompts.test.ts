// What leaves for a model that the operator has rules about: looked for in the bytes that the provider received, on every
// wire.

import { expect, test } from "vitest";
import { createRedactor } from "../../../packages/harness/src/core/redact/redactor.ts";
import { modelSettingsSchema } from "../../../packages/harness/src/core/route/settings.ts";
import { redactedModels } from "../../../packages/harness/src/services/models/redacted-models.ts";
import { createRedaction } from "../../../packages/harness/src/services/redaction.ts";
import type { Message } from "../../../packages/harness/src/core/prompt/message.ts";
import { callOf, modelOf, modelsAt, MODES, never, startFake } from "./wires.ts";

const REGISTERED = "kept-by-the-harness-93b1c7";
const UNKNOWN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const PERSONAL = ["anna@corp.example", "GB29NWBK60161331926819", "+49 30 1234567"];

const text = `Mine: ${REGISTERED} (${Buffer.from(REGISTERED).toString("base64")}), ${UNKNOWN}, ${PERSONAL.join(", ")}.`;
const MESSAGES: readonly Message[] = [
  { role: "user", text: `Of the requester. ${text}`, label: "trusted" },
  { role: "assistant", text: "", toolCalls: [{ id: "c1", tool: "read_file", arguments: { path: text } }] },
  {
    role: "tool",
    callId: "c1",
    tool: "read_file",
    text: `Out of a file. ${text}`,
    isError: false,
    label: "untrusted",
  },
];

const redactor = createRedactor();
redactor.register(REGISTERED, "kept");
const redaction = createRedaction({ redactor });

const rules = (
  models: string,
  what: readonly string[],
): ReturnType<typeof modelSettingsSchema.parse>["redact"] =>
  modelSettingsSchema.parse({ redact: [{ models: [models], what }] }).redact;

const ALL = [REGISTERED, Buffer.from(REGISTERED).toString("base64"), UNKNOWN, ...PERSONAL];

test.each(MODES)(
  "$wire, streaming $streaming: nothing of it is in what the provider received",
  async (mode) => {
    await using fake = await startFake(mode.wire, [{ text: "Done." }]);
    const models = modelsAt(fake.url, mode);
    const guarded = redactedModels(
      models,
      rules("*", ["secrets", "addresses", "accounts", "telephones"]),
      redaction,
    );
    const call = callOf(mode.wire, MESSAGES);
    expect((await guarded.call(call, never())).ok).toBe(true);
    const sent = fake.requests.map(({ body }) => JSON.stringify(body)).join("\n");
    expect(ALL.filter((one) => sent.includes(one))).toEqual([]);
    expect(sent).toContain("Of the requester.");
    expect(sent).toContain("Out of a file.");
    // The caller's own prompt stays whole: journal and labels are of that.
    expect(JSON.stringify(call.messages)).toContain(REGISTERED);
  },
);

test.each([
  ["compatible", "anthropic/*", [], ALL],
  [
    "compatible",
    modelOf("compatible").toUpperCase().toLowerCase(),
    ["addresses"],
    ALL.filter((one) => !one.includes("@")),
  ],
  // An account looks like a secret as well.
  ["anthropic", "anthropic/*", ["secrets"], PERSONAL.filter((one) => !one.startsWith("GB"))],
] as const)("%s under a rule for %s: what it does not name is sent", async (wire, pattern, what, left) => {
  await using fake = await startFake(wire, [{ text: "Done." }]);
  const models = modelsAt(fake.url, { wire, streaming: false });
  const guarded = redactedModels(models, rules(pattern, what.length === 0 ? ["secrets"] : what), redaction);
  await guarded.call(callOf(wire, MESSAGES), never());
  const sent = fake.requests.map(({ body }) => JSON.stringify(body)).join("\n");
  expect(ALL.filter((one) => sent.includes(one))).toEqual(left);
});

test("a rule that names nothing, or something unknown, is refused when the configuration is read", () => {
  for (const redact of [
    [{ models: [], what: ["secrets"] }],
    [{ models: ["*"], what: [] }],
    [{ models: ["*"], what: ["names"] }],
    [{ models: ["*"], what: ["secrets"], tenants: ["acme"] }],
  ])
    expect(modelSettingsSchema.safeParse({ redact }).success).toBe(false);
});
