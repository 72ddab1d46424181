// Exports whose payloads are others than were committed to, or gone without a record.

import { expect, test } from "vitest";
import { payloadLine } from "./verify-source.ts";
import {
  altered,
  at,
  entry,
  exportOf,
  type Files,
  found,
  type Given,
  HONEST,
  SIZE,
  verify,
} from "./testing/made-export.ts";

// Name of the attack, what it does, and a finding with its place that must be among the findings.
const ATTACKS: readonly [string, () => Files, string, Given?][] = [
  [
    "10 a payload is exchanged",
    () => {
      const files = exportOf(HONEST);
      const text = at(files, "payloads/000")
        .toString()
        .replace(String.raw`{\"i\":7,`, String.raw`{\"i\":8,`);
      return files.set("payloads/000", Buffer.from(text));
    },
    "payload_altered at entry 7",
  ],
  [
    "10 two payloads change places",
    () => {
      const [a, b] = [HONEST[5] ?? entry(5), HONEST[6] ?? entry(6)];
      const files = exportOf(altered(HONEST, () => undefined));
      const swapped = exportOf(
        altered(HONEST, (copy) =>
          copy.splice(
            5,
            2,
            { ...a, payload: b.payload, salt: b.salt },
            { ...b, payload: a.payload, salt: a.salt },
          ),
        ),
      );
      return files.set("payloads/000", at(swapped, "payloads/000"));
    },
    "payload_altered at entry 5",
  ],
  [
    "11 a salt that has swallowed the payload's first byte",
    () => {
      const files = exportOf(HONEST);
      const { salt, payload } = HONEST[3] ?? entry(3);
      const wrong = payloadLine(3, Buffer.concat([salt, Buffer.from(payload.slice(0, 1))]), payload.slice(1));
      const text = at(files, "payloads/000")
        .toString()
        .replace(payloadLine(3, salt, payload), wrong);
      return files.set("payloads/000", Buffer.from(text));
    },
    "payload_altered at entry 3",
  ],
  [
    "12 a payload is removed without a record",
    () => {
      const files = exportOf(HONEST);
      const lines = at(files, "payloads/001").toString().split("\n");
      return files.set("payloads/001", Buffer.from(lines.toSpliced(4, 1).join("\n")));
    },
    "payload_removed at entry 260",
  ],
  [
    "12 the payloads of a whole bundle are taken away, and others are left",
    () => {
      const files = exportOf(HONEST);
      files.delete("payloads/001");
      return files;
    },
    "payloads_missing at entries 256 to 511",
  ],
  [
    "10 a payload for an entry that is none",
    () => {
      const files = exportOf(HONEST);
      const more = payloadLine(SIZE, new Uint8Array(32), '{"approved":true}');
      return files.set("payloads/002", Buffer.concat([at(files, "payloads/002"), Buffer.from(more)]));
    },
    "payload_malformed at payloads from entry 512",
  ],
  [
    "10 a payload among those of another bundle",
    () => {
      const files = exportOf(HONEST);
      return files.set("payloads/001", Buffer.concat([at(files, "payloads/000"), at(files, "payloads/001")]));
    },
    "payload_malformed at payloads from entry 256",
  ],
  [
    "10 a line that says two things, the true one last",
    () => {
      const files = exportOf(HONEST);
      const text = at(files, "payloads/000").toString().replace('"p":', '"p":"{}","p":');
      return files.set("payloads/000", Buffer.from(text));
    },
    "payload_malformed at payloads from entry 0",
  ],
  [
    "12 an erasure is recorded, and the payload is still there",
    () => exportOf([...HONEST, entry(SIZE, { subject: "entry:1:20", version: 1, kind: "payload.erased" })]),
    "payload_not_erased at entry 20",
  ],
  ...["entry:1:600", "entry:1:601", "entry:1:020", "entry:2:20", "entry:1:", "entry:20"].map(
    (subject): (typeof ATTACKS)[number] => [
      `12 an erasure is recorded of ${subject}, which is no entry before it`,
      () => exportOf([...HONEST, entry(SIZE, { subject, version: 1, kind: "payload.erased" })]),
      "erasure_malformed at entry 600",
    ],
  ),
];

test.each(ATTACKS)("finds: %s", (_, attack, finding, given) => {
  const report = verify(attack(), given);
  expect(report.verified).toBe(false);
  expect(found(report)).toContain(finding);
});
