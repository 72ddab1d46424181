import { problem } from "@assent/contract";
import { expect, test } from "vitest";
import { createRedactor } from "../core/redact/redactor.ts";
import type { Log } from "../ports.ts";
import { createRedaction, type Redaction } from "./redaction.ts";

const SECRET = "zR8vK2mQ9xT4wL7pN3sB6yC1dF5gH0jA";

function redactionWith(counts: Map<string, number> = new Map<string, number>()): Redaction {
  const redactor = createRedactor();
  redactor.register(SECRET, "provider_key");
  return createRedaction({
    redactor,
    digestKey: new Uint8Array(32).fill(7),
    onRedacted: (kind, times) => {
      counts.set(kind, (counts.get(kind) ?? 0) + times);
    },
  });
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "utf8");

test("a log gets no secret: not in its message, not in a stack, not in a name", () => {
  const records: unknown[] = [];
  const counts = new Map<string, number>();
  const log: Log = redactionWith(counts).wrapLog((...record) => records.push(record));
  log("error", `failed with ${SECRET}`, {
    stack: `Error: bad key ${Buffer.from(SECRET).toString("base64")}\n    at x (y.js:1:1)`,
    [SECRET]: { deep: [encodeURIComponent(SECRET)] },
  });
  expect(records).toEqual([
    [
      "error",
      "failed with [redacted:provider_key]",
      {
        stack: expect.stringMatching(
          /^Error: bad key \[redacted:provider_key\].{0,2}\n {4}at x \(y\.js:1:1\)$/,
        ),
        "[redacted:provider_key]": { deep: ["[redacted:provider_key]"] },
      },
    ],
  ]);
  expect(counts).toEqual(new Map([["provider_key", 4]]));
});

test("a record that cannot be read is replaced, and its writer goes on", () => {
  const records: unknown[] = [];
  const log = redactionWith().wrapLog((...record) => records.push(record));
  const trap = {
    get field(): string {
      throw new RangeError(SECRET);
    },
  };
  log("info", "with a trap", { trap });
  expect(records).toEqual([["info", "a record could not be redacted", { error: "RangeError" }]]);
});

test("an approver sees marks, and by the digest whether the hidden value is the same", () => {
  const redaction = redactionWith();
  const [first, again, other] = ["Tr0ub4dor&3", "Tr0ub4dor&3", "Tr0ub4dor&4"].map((password) =>
    redaction.showArguments({ host: "db", login: { password }, keys: ["plain", SECRET] }),
  );
  expect(first?.arguments).toEqual({
    host: "db",
    login: { password: "[redacted:password]" },
    keys: ["plain", "[redacted:provider_key]"],
  });
  expect(first?.sealed.map(({ pointer }) => pointer)).toEqual(["/login/password", "/keys/1"]);
  expect(first?.sealed[0]?.digest).toMatch(/^hmac-sha256:[0-9a-f]{64}$/);
  expect(again).toEqual(first);
  expect(other?.arguments).toEqual(first?.arguments);
  expect(other?.sealed[0]?.digest).not.toBe(first?.sealed[0]?.digest);
  expect(redaction.showArguments({ path: "src/a.ts", content: "const a = 1;" }).sealed).toEqual([]);
});

test("a patch with a secret is refused, never altered; an answer is marked", () => {
  const redaction = redactionWith();
  const patch = (line: string) => ({
    mediaType: "text/x-diff; charset=utf-8",
    bytes: bytesOf(`--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+${line}\n`),
  });
  expect(redaction.checkArtifact(patch("const a = 1;"))).toEqual({ decision: "keep" });
  expect(redaction.checkArtifact(patch(`key = ${SECRET}`)).decision).toBe("refuse");
  expect(redaction.checkArtifact(patch("k = 'ghp_a8Kd02LmPq7RtZ3xWv5Bq1Yc6Hs9Ne4Uf0Gd'")).decision).toBe(
    "refuse",
  );
  const answer = redaction.checkArtifact({ mediaType: "text/markdown", bytes: bytesOf(`It is ${SECRET}.`) });
  expect(answer.decision === "mark" ? Buffer.from(answer.bytes).toString() : answer.decision).toBe(
    "It is [redacted:provider_key].",
  );
  const binary = { mediaType: "application/octet-stream", bytes: bytesOf(`\0\0${SECRET}\0`) };
  expect(redaction.checkArtifact(binary).decision).toBe("refuse");
});

test("a problem keeps its type and status and loses the secret of its detail", () => {
  const given = problem("invalid_request", `The value ${SECRET} does not fit.`, {
    errors: [{ pointer: "#/a", detail: `was ${SECRET}` }],
  });
  const clean = redactionWith().redactProblem(given);
  expect(clean).toEqual({
    ...given,
    detail: "The value [redacted:provider_key] does not fit.",
    errors: [{ pointer: "#/a", detail: "was [redacted:provider_key]" }],
  });
});

const parse = (value: unknown): { readonly password: number } => {
  if (
    typeof value !== "object" ||
    value === null ||
    !("password" in value) ||
    typeof value.password !== "number"
  )
    throw new TypeError("not the view");
  return { password: value.password };
};

test("a view passes its schema again, or does not leave", () => {
  const redaction = redactionWith();
  expect(() => redaction.redactView({ password: 123456 }, parse)).toThrow("not the view");
  expect(redaction.redactData({ note: SECRET })).toEqual({ note: "[redacted:provider_key]" });
});
