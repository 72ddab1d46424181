// Taking back what was answered.

import { describe, expect, test } from "vitest";
import {
  answer,
  conflicted,
  desk,
  marked,
  Merging,
  OTHER,
  put,
  SIDES,
  statusOf,
  take,
  teach,
  useDesk,
} from "../../testing/merge-desk.ts";
import { learnMerge, undoMerge } from "./merge.ts";

useDesk();

const windows = (text: string): string => text.replaceAll("\n", "\r\n");

describe("undo", () => {
  test.each([
    ["plain", (text: string) => text],
    ["CRLF and byte order mark", (text: string) => `\uFEFF${windows(text)}`],
    ["no last line end", (text: string) => text.slice(0, -1)],
  ])("restores the conflicted text byte for byte: %s", async (_, style) => {
    const before = style(`top\n${marked(SIDES)}mid\n${marked(OTHER)}mid\n${marked(SIDES)}end\n`);
    put("t.txt", style(`top\n${marked(SIDES)}end\n`));
    await answer("t.txt");
    put("t.txt", style("top\nv = 9\nend\n"));
    await learnMerge(["t.txt"], desk.setting);
    put("b.txt", before);
    expect(await statusOf("b.txt")).toEqual([
      "applied exact_verified",
      "escalated no_precedent",
      "applied exact_verified",
    ]);
    expect(take("b.txt")).not.toBe(before);
    const [undone] = await undoMerge(["b.txt"], desk.setting);
    expect(undone).toMatchObject({ conflicts: [{ status: "restored" }, { status: "restored" }] });
    expect(take("b.txt")).toBe(before);
  });

  test("the undone answer is not given again here, and is elsewhere", async () => {
    await teach("a.txt", SIDES, "v = 9\n");
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    await undoMerge(null, desk.setting);
    expect(await statusOf("b.txt")).toEqual(["proposed undone"]);
    put("c.txt", conflicted(SIDES));
    expect(await statusOf("c.txt")).toEqual(["applied exact_verified"]);
  });

  test("nor is an answer undone in one merge withheld in the next", async () => {
    const workspace = new Merging(desk.root);
    desk.setting = { ...desk.setting, workspace };
    await teach("b.txt", SIDES, "v = 9\n");
    workspace.commit = "c".repeat(40);
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    await undoMerge(null, desk.setting);
    expect(await statusOf("b.txt")).toEqual(["proposed undone"]);
    workspace.commit = "b".repeat(40);
    expect(await undoMerge(null, desk.setting)).toEqual([]);
    expect(await statusOf("b.txt")).toEqual(["applied exact_verified"]);
  });

  test("a person's own decisions and edits stay", async () => {
    await teach("a.txt", SIDES, "v = 9\n");
    put("b.txt", `top\n${marked(SIDES)}mid\n${marked(OTHER)}end\n`);
    await answer("b.txt");
    put("b.txt", "top\nv = 9\nmid\nby hand\nend\n");
    await undoMerge(["b.txt"], desk.setting);
    expect(take("b.txt")).toBe(`top\n${marked(SIDES)}mid\nby hand\nend\n`);
  });

  test("an answer of no lines is taken back too", async () => {
    await teach("a.txt", SIDES, "");
    const before = `top\n${marked(SIDES)}mid\n${marked(OTHER)}end\n`;
    put("b.txt", before);
    await answer("b.txt");
    expect(take("b.txt")).toBe(`top\nmid\n${marked(OTHER)}end\n`);
    put("b.txt", "top\nmid\nby hand\nend\n");
    await undoMerge(["b.txt"], desk.setting);
    expect(take("b.txt")).toBe(`top\n${marked(SIDES)}mid\nby hand\nend\n`);
  });

  test("an answer that was edited since is left as it is", async () => {
    await teach("a.txt", SIDES, "v = 9\n");
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    put("b.txt", "top\nv = 9 // mine\nend\n");
    expect(await undoMerge(["b.txt"], desk.setting)).toMatchObject([{ conflicts: [{ status: "left" }] }]);
    expect(take("b.txt")).toBe("top\nv = 9 // mine\nend\n");
  });
});
