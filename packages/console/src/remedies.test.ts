import { PROBLEMS } from "@assent/contract";
import { expect, test } from "vitest";
import { PAGES } from "./places.ts";
import { remedyOf } from "./remedies.ts";

/** Words for who writes requests, or sits at a command line. */
const ELSEWHERE =
  /`(?:assent |GET |POST |DELETE |Authorization|Retry-After|errors|action_digest|repeat_effects)/;

/** The console asks for nothing that is refused like this: documents, driven runs, the logs' keys; a stream that is full it does without. */
const NEVER_HERE: readonly string[] = [
  "document_not_found",
  "embedding_unavailable",
  "epoch_not_needed",
  "event_streams_exhausted",
  "plan_refused",
  "rotation_refused",
  "run_being_taken_back",
];

test("whom the console shows a refusal is sent to no command line and told of no request, where the console can do it", () => {
  const found = Object.entries(PROBLEMS)
    .filter(([code, { remedy }]) => ELSEWHERE.test(remedyOf({ code, remedy }).words))
    .map(([code]) => code);
  // Nor is anybody excused who needs no excuse.
  expect(found.toSorted()).toEqual(NEVER_HERE);
});

test("a refusal that the console has no words for has the server's", () => {
  const remedy = "Look at it.";
  expect(remedyOf({ code: "internal_error", remedy })).toEqual({ words: remedy });
  // Nor is a word of another server's taken for a code.
  expect(remedyOf({ code: "constructor", remedy })).toEqual({ words: remedy });
});

test("a page is led to where the words end in its name", () => {
  for (const code of Object.keys(PROBLEMS)) {
    const { words, page } = remedyOf({ code, remedy: "" });
    if (page !== undefined) {
      expect(words).toMatch(/the page$/);
      expect(PAGES.map((one) => one.page)).toContain(page);
    }
  }
});
