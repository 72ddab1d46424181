// Exports with another checkpoint than they should have: an old one, a fork's, another log's, one that nobody signed. The
// attacker has everything but the signing key, and, where it says so, that as well.

import { signerKey } from "@assent/tlog";
import { expect, test } from "vitest";
import {
  cosigned,
  dated,
  entry,
  exportOf,
  type Files,
  found,
  type Given,
  HONEST,
  LOG,
  noteOf,
  QUORUM,
  REMEMBERED,
  rewritten,
  seed,
  SIZE,
  STRANGER,
  verify,
  WITNESSES,
} from "./testing/made-export.ts";

// Name of the attack, what it does, and a finding with its place that must be among the findings.
const ATTACKS: readonly [string, () => Files, string, Given?][] = [
  [
    "6 back to an old state that was genuinely signed",
    () => exportOf(HONEST.slice(0, 200)),
    "history_cut at entry 200",
    { remembered: REMEMBERED },
  ],
  [
    "6 an old checkpoint is replayed, with cosignatures of that time",
    () => exportOf(HONEST.slice(0, 200), cosigned(noteOf(HONEST.slice(0, 200)), WITNESSES)),
    "cosignature_old at checkpoint",
    { policy: QUORUM, cosignedSince: new Date(1_800_000_000_000) },
  ],
  [
    "8 a fork after what is remembered, which no quorum cosigned",
    () => exportOf(rewritten(400), cosigned(noteOf(rewritten(400)), WITNESSES.slice(0, 1))),
    "quorum_missing at checkpoint",
    { remembered: REMEMBERED, policy: QUORUM },
  ],
  [
    "8 a fork of the same size",
    () => exportOf(rewritten(400)),
    "history_forked at entries 0 to 599",
    { remembered: noteOf(HONEST) },
  ],
  [
    "8 an event that was dated back behind what witnesses had seen without it",
    () => {
      const back = dated(SIZE, new Date(1_699_900_000_000));
      return exportOf([...HONEST, back], cosigned(noteOf([...HONEST, back]), WITNESSES));
    },
    "event_misdated at entry 600",
    { policy: QUORUM, remembered: cosigned(noteOf(HONEST), WITNESSES) },
  ],
  [
    "8 an event that was dated forward past what witnesses saw with it",
    () => {
      const forward = dated(SIZE, new Date(1_700_010_000_000));
      return exportOf([...HONEST, forward], cosigned(noteOf([...HONEST, forward]), WITNESSES));
    },
    "event_misdated at entry 600",
    { policy: QUORUM },
  ],
  [
    "9 another key's signature",
    () => exportOf(HONEST, noteOf(HONEST, STRANGER)),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "9 the signature is stripped",
    () => exportOf(HONEST, `${noteOf(HONEST).split("\n\n")[0]}\n\n`),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "9 the signature of another checkpoint",
    () => exportOf(HONEST, `${noteOf(HONEST).split("\n\n")[0]}\n\n${REMEMBERED.split("\n\n")[1]}`),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "9 a witness's line counted twice",
    () => {
      const note = cosigned(noteOf(HONEST), WITNESSES.slice(0, 1));
      return exportOf(HONEST, note + note.slice(note.lastIndexOf("\u2014")));
    },
    "quorum_missing at checkpoint",
    { policy: QUORUM },
  ],
  [
    "9 a witness's line from another checkpoint",
    () => exportOf(HONEST, noteOf(HONEST) + cosigned(REMEMBERED, WITNESSES).slice(REMEMBERED.length)),
    "cosignature_invalid at checkpoint",
    { policy: QUORUM },
  ],
  [
    "13 an entry of another log",
    () => exportOf([...HONEST, entry(SIZE, { log: "assent-0/audit/ten_1" })]),
    "entry_of_another_log at entry 600",
  ],
  [
    "13 another log's checkpoint, properly signed",
    () =>
      exportOf(
        HONEST,
        noteOf(HONEST, signerKey("assent-0/audit/ten_1", 0x01, seed(1)), "assent-0/audit/ten_1"),
      ),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "13 another log's name under this log's signature",
    () => exportOf(HONEST, noteOf(HONEST, LOG, "assent-0/audit/ten_1")),
    "checkpoint_invalid at checkpoint",
  ],
];

test.each(ATTACKS)("finds: %s", (_, attack, finding, given) => {
  const report = verify(attack(), given);
  expect(report.verified).toBe(false);
  expect(found(report)).toContain(finding);
});
