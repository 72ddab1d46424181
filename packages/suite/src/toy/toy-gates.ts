// Which tools of the toy ask whom.

import type { Approval } from "@assent/contract";

export type Requirement = Approval["requirement"];
export const requirement = (quorum: number, separate: boolean, approvers: string[] | null): Requirement => ({
  approvers,
  quorum,
  separate_duties: separate,
});

export const GATES: Readonly<Record<string, Requirement>> = {
  tell_sink: requirement(1, false, null),
  post_sink: requirement(1, false, null),
  pay_sink: requirement(2, true, null),
  sign_sink: requirement(1, false, ["approver"]),
  rush_sink: requirement(1, false, null),
  vault__pay: requirement(1, false, null),
  fetch_url: requirement(1, false, null),
  write_file: requirement(1, false, null),
  command: requirement(1, false, null),
};
