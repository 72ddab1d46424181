import type { RunId } from "@assent/contract";
import { expect, test } from "vitest";
import { createRunNews } from "./run-news.ts";

const runOf = (at: number): RunId => `run_${at.toString(16).padStart(32, "0")}`;

test("the newest version of a run is kept, in whatever order versions are told, and of no more than so many runs", () => {
  const news = createRunNews();
  expect(news.newest(runOf(0))).toBeUndefined();
  for (const version of [3, 5, 4]) news.tell(runOf(0), version);
  expect(news.newest(runOf(0))).toBe(5);
  for (let at = 1; at < 1_024; at += 1) news.tell(runOf(at), 2);
  expect([news.newest(runOf(0)), news.newest(runOf(1_023))]).toEqual([5, 2]);
  // Whose news are older than all others' goes, and not who was told of first.
  news.tell(runOf(0), 6);
  news.tell(runOf(1_024), 2);
  expect([0, 1, 2, 1_024].map((at) => news.newest(runOf(at)))).toEqual([6, undefined, 2, 2]);
});

test("news are believed for a moment, and those of before that say nothing of what comes after", () => {
  let nowMs = 5_000;
  const news = createRunNews(() => nowMs);
  news.tell(runOf(1), 9);
  nowMs += 1_000;
  expect(news.newest(runOf(1))).toBe(9);
  nowMs += 1;
  expect(news.newest(runOf(1))).toBeUndefined();
  // What had been told was lost with the database that had confirmed it.
  news.tell(runOf(1), 7);
  expect(news.newest(runOf(1))).toBe(7);
});

test("a listener hears of its run only, until it ends, and a run that nobody listens to is told nobody", () => {
  const news = createRunNews();
  const heard: string[] = [];
  const endFirst = news.listen(runOf(1), (version) => heard.push(`first ${version}`), "onlooker");
  const endSecond = news.listen(runOf(1), (version) => heard.push(`second ${version}`), "driver");
  news.tell(runOf(2), 7);
  news.tell(runOf(1), 2);
  endFirst();
  news.tell(runOf(1), 3);
  endSecond();
  news.tell(runOf(1), 4);
  expect(heard).toEqual(["first 2", "second 2", "second 3"]);
});

test("whether a run's driver waits is said to who tells, and a hint brings no version", () => {
  const news = createRunNews();
  const heard: string[] = [];
  const listen = (run: number, who: "driver" | "onlooker"): (() => void) =>
    news.listen(runOf(run), (version) => heard.push(`${run} ${who} ${version}`), who);
  expect(news.tell(runOf(1), 2)).toBe(false);
  listen(1, "onlooker");
  expect(news.tell(runOf(1), 3)).toBe(false);
  const end = listen(1, "driver");
  expect(news.tell(runOf(1), 4)).toBe(true);
  end();
  expect(news.tell(runOf(1), 5)).toBe(false);
  listen(2, "driver");
  heard.length = 0;
  news.hint(runOf(2));
  news.hint(runOf(3));
  news.hint(null);
  expect(heard).toEqual(["2 driver null", "1 onlooker null", "2 driver null"]);
  expect([2, 3].map((run) => news.newest(runOf(run)))).toEqual([undefined, undefined]);
});

test("a driver that waits twice for the same run is there until both have ended", () => {
  const news = createRunNews();
  const ends = [1, 2].map(() => news.listen(runOf(1), () => undefined, "driver"));
  ends[0]?.();
  ends[0]?.();
  expect(news.tell(runOf(1), 2)).toBe(true);
  ends[1]?.();
  expect(news.tell(runOf(1), 3)).toBe(false);
});
