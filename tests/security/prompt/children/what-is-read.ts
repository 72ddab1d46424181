// Everything that is found in a text by expressions, and that something rests on.

import { guardText } from "../../../../packages/harness/src/core/prompt/guard.ts";
import { hasControlToken, neutralise } from "../../../../packages/harness/src/core/prompt/neutralise.ts";
import { createRedactor } from "../../../../packages/harness/src/core/redact/redactor.ts";

const redactor = createRedactor();

export type Read = {
  readonly isHostile: boolean;
  readonly neutralised: string;
  /** Of the guard that scores texts. */
  readonly score: number;
  readonly redacted: string;
};

export const whatIsRead = (text: string): Read => ({
  isHostile: hasControlToken(text),
  neutralised: neutralise(text),
  score: guardText(text),
  redacted: redactor.redactText(text).text,
});
