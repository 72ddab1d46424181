// What a verdict cannot say for want of a memory: a log that was cut short to an older state which was properly signed looks whole.
// Both verifiers say so in one line wherever it is so, and nowhere else; it is no finding.

import { expect, test } from "vitest";
import {
  cosigned,
  entries,
  exportOf,
  LOG,
  noteOf,
  policyOf,
  QUORUM,
  QUORUM_TEXT,
  verify,
  WITNESSES,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { type Copy, judge } from "../../support/both-verifiers.ts";
import { isPythonHere } from "../../support/second-verifier.ts";

const WHOLE = entries(6);
/** As whoever has the files could leave them: the last entries gone, and the checkpoint that was signed before them. */
const CUT = WHOLE.slice(0, 4);
const NOW_SECONDS = Math.floor(Date.now() / 1000);
const SEEN = { files: exportOf(CUT, cosigned(noteOf(CUT), WITNESSES)), policy: QUORUM_TEXT };

const SIGNED =
  /^without a kept checkpoint .*--remembered.* or a quorum of witnesses .*cut short to an older signed state looks whole$/iu;
const COSIGNED =
  /^without a kept checkpoint .*--remembered.* or an age of cosignatures .*cut short to an older cosigned state looks whole$/iu;

const CASES: readonly (readonly [what: string, copy: Copy, line: RegExp | null])[] = [
  ["nothing", { files: exportOf(CUT) }, SIGNED],
  ["a policy that wants nobody", { files: exportOf(CUT), policy: `log ${LOG.vkey}\nquorum none\n` }, SIGNED],
  ["a quorum, and not how late it was", SEEN, COSIGNED],
  [
    "a quorum of late",
    {
      files: exportOf(CUT, cosigned(noteOf(CUT), WITNESSES, NOW_SECONDS)),
      policy: QUORUM_TEXT,
      cosignedWithinMinutes: 60,
    },
    null,
  ],
  ["a kept checkpoint", { files: exportOf(CUT), remembered: noteOf(CUT.slice(0, 3)) }, null],
  ["a kept checkpoint and a quorum", { ...SEEN, remembered: noteOf(CUT) }, null],
];

test.each(CASES)(
  "of who has %s both say in one line what they would not notice, and find nothing",
  async (_, copy, line) => {
    const { ours, second, unnoticed } = await judge(copy);
    expect([ours, second]).toEqual([
      [],
      expect.stringMatching(isPythonHere ? /^verified: 4 entries/u : "not run"),
    ]);
    const said = line === null ? [] : [expect.stringMatching(line)];
    expect(unnoticed).toEqual({ ours: said, second: isPythonHere ? said : [] });
  },
);

test("the report says it as well, and it is nothing that is found", () => {
  const report = (given: Parameters<typeof verify>[1]): unknown => {
    const { verified, findings, cutUnnoticed } = verify(
      exportOf(CUT, cosigned(noteOf(CUT), WITNESSES)),
      given,
    );
    return { verified, findings, cutUnnoticed };
  };
  const clean = { verified: true, findings: [] };
  expect(report({})).toEqual({ ...clean, cutUnnoticed: "signed" });
  expect(report({ policy: policyOf(`log ${LOG.vkey}\nquorum none\n`) })).toEqual({
    ...clean,
    cutUnnoticed: "signed",
  });
  expect(report({ policy: QUORUM })).toEqual({ ...clean, cutUnnoticed: "cosigned" });
  expect(report({ policy: QUORUM, cosignedSince: new Date(0) })).toEqual({ ...clean, cutUnnoticed: null });
  expect(report({ remembered: noteOf(CUT) })).toEqual({ ...clean, cutUnnoticed: null });
});

test("who kept a checkpoint finds it, and is told nothing of what would not be noticed", async () => {
  const { ours, second, unnoticed } = await judge({ files: exportOf(CUT), remembered: noteOf(WHOLE) });
  expect(ours).toEqual(["history_cut at entry 4"]);
  if (isPythonHere) expect(second).toContain("the log ends here, and had 6 entries when it was remembered");
  expect(unnoticed).toEqual({ ours: [], second: [] });
});
