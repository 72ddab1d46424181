import { expect, test } from "vitest";
import { createAddressGuard, networkOf } from "./address-guard.ts";

const QUOTA = { requests: 3, windowSeconds: 10 };

test("an address gets its quota, is told when to come back, and then gets it again", () => {
  let at = 0;
  const guard = createAddressGuard(QUOTA, () => at);
  const ask = (): number | null => guard.take("192.0.2.1")?.resetSeconds ?? null;
  expect([ask(), ask(), ask(), ask()]).toEqual([null, null, null, 10]);
  at = 9_001;
  expect(ask()).toBe(1);
  expect(guard.take("192.0.2.2")).toBeNull();
  at = 10_000;
  expect([ask(), ask(), ask(), ask()]).toEqual([null, null, null, 10]);
});

test("it remembers so many addresses and no more: the longest known is forgotten", () => {
  const guard = createAddressGuard({ requests: 1, windowSeconds: 10 }, () => 0, 2);
  expect(["a", "b", "a", "c", "b", "a"].map((address) => guard.take(address) === null)).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2"],
  ["2001:db8:1:2::1", "2001:db8:1:2"],
  ["2001:DB8::1", "2001:db8:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["::1", "0:0:0:0"],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test("without a quota nobody is counted", () => {
  const guard = createAddressGuard(null);
  expect(Array.from({ length: 1_000 }, () => guard.take("192.0.2.1")).every((found) => found === null)).toBe(
    true,
  );
});
