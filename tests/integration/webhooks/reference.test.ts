import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { messageHeaders, shownSecret } from "../../../packages/harness/src/core/webhook/message.ts";

test("the reference implementation signs the same", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 24, maxLength: 64 }),
      fc.string({ unit: "grapheme" }),
      fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
      (secret, body, at) => {
        const id = `msg_${"0".repeat(32)}` as const;
        const headers = messageHeaders(id, body, at, [secret]);
        expect(headers["webhook-signature"]).toBe(new Webhook(shownSecret(secret)).sign(id, at, body));
        expect(headers["content-length"]).toBe(String(new TextEncoder().encode(body).length));
      },
    ),
    { seed: 24, numRuns: 200 },
  );
});
