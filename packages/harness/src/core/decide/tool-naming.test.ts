import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toolsNamed } from "./tool-naming.ts";

const CHANGING = [
  "send_money",
  "delete_file",
  "set_daily_limit",
  "change_standing_order",
  "cancel_standing_order",
  "calendarEventCreate",
  "gmail.send_email",
  "server__share_page",
  "write_file",
  "frobnicate",
];
const TOOLS = [
  ...CHANGING.map((name) => ({ name, changes: true })),
  { name: "read_file", changes: false },
  { name: "delete_preview", changes: false },
];

describe("what the requester's words name", () => {
  test.each([
    ["Pay the bill.", ["send_money"]],
    ["Please send 20 to Bob.", ["send_money", "gmail.send_email"]],
    ["Delete the file a.txt.", ["delete_file"]],
    // Nothing more is said of what is deleted: then it is any of them, and the value says which.
    ["Delete a.txt.", ["cancel_standing_order", "delete_file"]],
    ["I think of cancelling the standing order.", ["cancel_standing_order"]],
    ["Change the standing order to 20.", ["change_standing_order"]],
    ["Raise the daily limit.", ["set_daily_limit"]],
    ["Change the standing order, and raise the limit.", ["change_standing_order", "set_daily_limit"]],
    ["Make an event at noon.", ["calendarEventCreate"]],
    ["E-mail it to Bob.", ["gmail.send_email"]],
    ["Write it into a file.", ["write_file"]],
    ["SHARE the page with Bob.", ["server__share_page"]],
    ["Frobnicate it.", ["frobnicate"]],
  ])("%s", (task, names) => {
    expect([...toolsNamed(task, TOOLS)].toSorted()).toEqual(names.toSorted());
  });

  test.each([
    ["What is the weather?"],
    ["Read invoice.txt, then sum it up."],
    ["Do not delete anything."],
    ["Look, but don’t ever delete it."],
    ["Sum up without sharing anything."],
    ['Is "delete the file" good English?'],
    ["Is “cancel it” good English?"],
    ["See delete.me@send.example and /write/delete/pay.txt."],
    ["What does deletion-of-files_policy.md say?"],
    ["Lösche die Datei."],
    [""],
  ])("nothing: %s", (task) => {
    expect([...toolsNamed(task, TOOLS)]).toEqual([]);
  });

  test("what a name does is the gravest of its words, wherever it stands", () => {
    const tools = ["forwarding.update", "mail.delete", "bookingCancel", "message_send"].map((name) => ({
      name,
      changes: true,
    }));
    expect([...toolsNamed("Mail Bob, and forward it to Carol.", tools)]).toEqual(["message_send"]);
    expect([...toolsNamed("Book it.", tools)]).toEqual([]);
    expect([...toolsNamed("Cancel the booking.", tools)]).toEqual(["bookingCancel"]);
    expect([...toolsNamed("Update the forwarding.", tools)]).toEqual(["forwarding.update"]);
  });

  test("what is denied is named where it is asked for as well", () => {
    const named = toolsNamed("Do not delete mail. Delete the file b.txt.", TOOLS);
    expect([...named]).toEqual(["delete_file"]);
  });

  test("a tool that other tools share every word with, and whose name says no act, is never named", () => {
    const tools = ["alpha_beta", "alpha_gamma", "beta_delta"].map((name) => ({ name, changes: true }));
    expect([...toolsNamed("alpha beta", tools)]).toEqual([]);
    expect([...toolsNamed("gamma", tools)]).toEqual(["alpha_gamma"]);
  });

  test("whatever the task: only tools that there are, only ones that change something, and always the same", () => {
    const words = fc.constantFrom(
      "delete",
      "file",
      "not",
      "pay",
      "send",
      '"',
      "a@b.c",
      "share",
      "standing",
      ".",
      "x",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(words).map((list) => list.join(" ")),
        ),
        (task) => {
          const named = [...toolsNamed(task, TOOLS)];
          expect(named.filter((name) => !CHANGING.includes(name))).toEqual([]);
          expect([...toolsNamed(task, TOOLS)]).toEqual(named);
        },
      ),
      { seed: 42, numRuns: 300 },
    );
  });

  test("a quoted order names nothing, whatever stands in it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }).filter((text) => !/["\n]/.test(text)),
        (text) => {
          expect([...toolsNamed(`Sum up "delete ${text}" for me.`, TOOLS)]).toEqual([]);
        },
      ),
      { seed: 42, numRuns: 200 },
    );
  });
});
