import type { Failure } from "./failure.ts";
import { visibleLine } from "./output/visible.ts";

/** One line, whatever the server put into it. */
export function failureLine(failure: Failure): string {
  const what = failure.detail.replace(/[.\s]+$/, "");
  return visibleLine(`assent: ${what} (${failure.code}). ${failure.remedy}`);
}
