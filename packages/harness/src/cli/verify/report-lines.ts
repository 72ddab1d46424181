// The verdict on a copy of a log, in lines for people.

import { INCOMING_WHOLE } from "../../core/audit/inventory.ts";
import type { TakenTime } from "../../core/audit/verify-basis.ts";
import type { VerifyReport } from "../../core/audit/verify-log.ts";
import { visibleLine } from "../output/visible.ts";

/** What was witnessed by way of the installation's log may be long before the end of this one. */
const seenOf = ({ size, witnessedSize }: Pick<VerifyReport, "size" | "witnessedSize">): string =>
  witnessedSize === null || witnessedSize >= size
    ? ""
    : `, of the first ${witnessedSize} entries only: the other ${size - witnessedSize} were not witnessed`;

/** What `assent audit verify` says of a copy. */
export function reportLines(report: Omit<VerifyReport, "begun">): string[] {
  const basis = [
    "the signature",
    ...(report.rememberedSize === null
      ? []
      : [`a checkpoint of ${report.rememberedSize} entries that was kept`]),
    ...(report.cosigners.length === 0 ? [] : [`witnesses: ${report.cosigners.join(", ")}${seenOf(report)}`]),
  ];
  if (report.verified)
    return [
      `Log verified: ${report.size} entries of ${report.origin}.`,
      `  payloads: ${report.opened} opened, ${report.erased} erased with a record, ${report.unopened} not in this copy`,
      ...(report.approvals.untold === 0
        ? []
        : [
            `  of ${report.approvals.untold} approvals it does not say who had to agree, who did, or by what right; of ${report.approvals.told} it does`,
          ]),
      ...(report.minimum === 0
        ? []
        : [
            `  pruned up to entry ${report.minimum} by record; ${report.pruned} of those entries are not in this copy`,
          ]),
      ...(report.lost === 0
        ? []
        : [
            `  ${report.lost} more were signed and lost with a restored backup, as the next log says: its published files have them`,
          ]),
      ...(report.leftovers === 0
        ? []
        : [`  ${report.leftovers} files were not read: not signed yet, or left by a copy that was cut off`]),
      ...(report.unmoved ? [UNMOVED] : []),
      `  it rests on ${basis.join("; ")}`,
      ...timeLines(report.time),
      ...(report.cutUnnoticed === null ? [] : [CUT_UNNOTICED[report.cutUnnoticed]]),
    ];
  return [
    `Log NOT verified: ${report.findings.length} findings in ${report.size} entries of ${report.origin}.`,
    ...(report.unmoved ? [UNMOVED] : []),
    ...timeLines(report.time),
    ...report.findings.map((finding) => visibleLine(`  ${finding.at}: ${finding.detail} (${finding.code})`)),
  ];
}

/** Of a verdict that nothing is wrong: no finding, since nothing of the log says so. */
const CUT_UNNOTICED = {
  signed:
    "  Without a kept checkpoint (--remembered) or a quorum of witnesses (--policy) a log that was cut short to an older signed state looks whole.",
  cosigned:
    "  Without a kept checkpoint (--remembered) or an age of cosignatures (--cosigned-within) a log that was cut short to an older cosigned state looks whole.",
} as const;

const UNMOVED = `  it was cut off while it was moved into its place: what lies in ${INCOMING_WHOLE} was read in the place of the rest; the next export or mirror into this folder ends the move`;

// Said wherever it was not the clock's: whoever names the time can make past what is still to come, or an old cosignature a
// young one, and whoever reads the verdict has to see that.
function timeLines({ taken, from, clock, ahead }: TakenTime): string[] {
  if (from === "clock") return [];
  const said = `  times were held against ${taken}, which was given (--now); this machine's clock says ${clock}`;
  return [said, ...(ahead === 0 ? [] : [`  by that clock ${ahead} times in the log are still to come`])];
}
