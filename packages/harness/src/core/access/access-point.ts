// The decision about requests to the API as services see it. The adapter that answers is adapters/cedar/access.ts.

import type { ApiAction } from "@assent/contract";
import type { Sha256 } from "../../base/digest.ts";
import type { AccessSubject } from "./access-question.ts";

export type Access = {
  /** Never throws, never waits. Deny wins, no matching permit is a deny, and so is whatever goes wrong (invariant 4). */
  permits(subject: AccessSubject, action: ApiAction): boolean;
  /** The rules' digest, where they are an operator's own; null for those that come with the program. */
  readonly ownRules: Sha256 | null;
};
