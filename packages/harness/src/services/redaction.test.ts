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

test("what an event holds is redacted at any depth", () => {
  expect(redactionWith().redactData({ note: SECRET, in: [{ deep: SECRET }] })).toEqual({
    note: "[redacted:provider_key]",
    in: [{ deep: "[redacted:provider_key]" }],
  });
});
