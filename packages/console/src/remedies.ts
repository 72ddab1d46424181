// What to do about a refusal, for who sits before the console: the server's own words are for who writes requests or sits at a command
// line. Only where the console can do the thing itself; of every other refusal the server's words are shown.

import type { Problem, ProblemCode } from "@assent/contract";
import type { PAGES } from "./places.ts";

export type Remedy = {
  readonly words: string;
  /** Where it is done. */
  readonly page?: (typeof PAGES)[number]["page"];
};

const AGAIN = "Nothing was changed. Try again in a moment; what is shown is asked again by itself.";

const KNOWN = {
  invalid_request: { words: "Nothing was changed. Mend what is named, and send it again." },
  unauthenticated: {
    words:
      "Sign in with a key that is good still. Whoever administers the installation makes one on the page Access.",
  },
  signature_missing: {
    words: "The console does not sign requests: sign in with another key, or use the command line.",
  },
  scope_missing: {
    words: "Sign in with a key whose role permits it; an administrator makes one on the page",
    page: "access",
  },
  run_not_found: {
    words: "Nothing that this key may see has this id. All that it may see are on the page",
    page: "runs",
  },
  approval_not_found: {
    words: "Nothing that this key may see has this id. What waits is on the page",
    page: "inbox",
  },
  artifact_not_found: { words: "What the run has is listed on its page." },
  precedent_not_found: { words: "All that are remembered are on the page", page: "precedents" },
  escalation_not_found: { words: "All of them are on the page", page: "escalations" },
  key_not_found: {
    words: "Nothing was changed. Keys to the API are on the page Access, signing keys on the page",
    page: "settings",
  },
  key_ended: { words: "Nothing was changed. A key that has ended is not replaced: make a new one." },
  webhook_not_found: { words: "All of them are on the page", page: "webhooks" },
  delivery_not_found: {
    words: "Nothing was sent. Its webhook's messages are led to from the page",
    page: "webhooks",
  },
  webhook_off: { words: "Nothing was sent. Enable it first, on the page", page: "webhooks" },
  webhooks_full: { words: "Nothing was made. Remove one on the page", page: "webhooks" },
  audit_log_not_found: { words: "The logs are on the page", page: "audit" },
  approval_already_decided: {
    words: "Nothing was changed. What was decided, and by whom, stands on the approval's page.",
  },
  approval_digest_mismatch: {
    words:
      "Nothing was decided: another call waits than was shown. Look at it as it is now, and decide that.",
  },
  effects_standing: {
    words: "Nothing was changed. Look at what is named, then redrive the run although it stands.",
  },
  policy_trial_busy: { words: "Nothing was tried. Try them again in a moment." },
  quota_exceeded: { words: AGAIN },
  tenant_queue_full: {
    words:
      "Nothing was changed. Try again once some have ended, or call off what is not needed: they are on the page",
    page: "runs",
  },
  not_ready: {
    words: "Nothing was changed. Try again in a moment; what is missing is said on the page",
    page: "health",
  },
  overloaded: { words: AGAIN },
} satisfies Partial<Record<ProblemCode, Remedy>>;
const REMEDIES: Readonly<Record<string, Remedy>> = KNOWN;

/** @returns the console's own words where it has any, else the server's */
export const remedyOf = ({ code, remedy }: Pick<Problem, "code" | "remedy">): Remedy =>
  (Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined) ?? { words: remedy };
