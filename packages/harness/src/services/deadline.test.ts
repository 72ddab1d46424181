import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deadline } from "./deadline.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("aborts when the time is up, and says that it was that", () => {
  using limit = deadline(1_000);
  vi.advanceTimersByTime(999);
  expect(limit.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(limit.signal.reason).toMatchObject({ name: "TimeoutError" });
});

test("aborts with any of the others, for their reason", () => {
  const other = new AbortController();
  using limit = deadline(1_000, new AbortController().signal, other.signal);
  other.abort(new Error("the lease is lost"));
  expect(limit.signal.reason).toEqual(new Error("the lease is lost"));
});

test("keeps no timer when what it limits is over, and aborts nothing any more", () => {
  const limit = deadline(1_000);
  expect(vi.getTimerCount()).toBe(1);
  limit[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(limit.signal.aborted).toBe(false);
});
