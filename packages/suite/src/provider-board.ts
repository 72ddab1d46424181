// What a model of the suite's own is asked, says, and asks for.

import type { RecordedRequest, Reply } from "./faults/script.ts";

/** A call of a tool, as a model asks for it. */
export type PathCall = { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

/** One of the suite's own providers, as the target reaches it. */
export type ProviderBoard = {
  /** What the target calls it: `<provider>/<model>`. */
  readonly model: string;
  /** Everything that arrived there, verbatim, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** From now on it answers so. */
  answerWith(reply: (request: RecordedRequest) => Reply): void;
};
