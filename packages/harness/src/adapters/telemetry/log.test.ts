import { expect, test } from "vitest";
import { createLog } from "./log.ts";

test("a record is one line that a terminal only shows, and says what was said", () => {
  const lines: string[] = [];
  const clock = { now: () => new Date(0), sleep: async () => await Promise.resolve() };
  const log = createLog(clock, (line) => lines.push(line));
  // The one-character forms of ESC [ and of a new line, line separators, text that runs backwards, a tag, and what is read.
  const hostile = "a\u009b2J\u0085\n\u001b[31m\u2028\u2029\u202e\u007f\u{e0041} Grüße \u{1f600}";
  log("warn", hostile, { [hostile]: { deep: [hostile] } });
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toMatch(/[\p{C}\p{Z}](?<! )/u);
  expect(lines[0]).toContain("Grüße \u{1f600}");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    level: "warn",
    message: hostile,
    [hostile]: { deep: [hostile] },
  });
});
