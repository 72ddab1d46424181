import fc from "fast-check";
import { idFromUuid, type TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import { type Handover, nextHandover, type TenantSlots } from "./turns.ts";

const tenant = (index: number): TenantId =>
  idFromUuid("ten", `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`);

const slotsOf = (...rows: readonly (readonly [held: number, isWaiting: boolean])[]): TenantSlots[] =>
  rows.map(([held, isWaiting], index) => ({ tenant: tenant(index), held, isWaiting }));

const anySlots = fc
  .array(fc.tuple(fc.nat({ max: 20 }), fc.boolean()), { maxLength: 12 })
  .map((rows) => slotsOf(...rows));

function handedOver(slots: readonly TenantSlots[], { to, from }: Handover, which: number): TenantSlots[] {
  const giver = [...from][which % from.size];
  return slots.map((each) => ({
    ...each,
    held: each.held + (each.tenant === to ? 1 : 0) - (each.tenant === giver ? 1 : 0),
  }));
}

test("whoever is alone keeps all slots", () => {
  expect(nextHandover(slotsOf([16, true]), null)).toBeNull();
  expect(nextHandover(slotsOf([16, true], [0, false]), null)).toBeNull();
});

test("who has none gets one of who has most, and of who has one where nobody has more", () => {
  expect(nextHandover(slotsOf([16, true], [0, true]), null)).toEqual({
    to: tenant(1),
    from: new Set([tenant(0)]),
  });
  expect(nextHandover(slotsOf([1, true], [1, false], [0, true]), null)).toEqual({
    to: tenant(2),
    from: new Set([tenant(0), tenant(1)]),
  });
});

test("who has as many as one tenant may have waits for their own", () => {
  expect(nextHandover(slotsOf([16, true], [2, true]), 2)).toBeNull();
  expect(nextHandover(slotsOf([16, true], [1, true]), 2)).not.toBeNull();
});

test("nobody gives way to themselves, to who does not wait, or to who would have more than they then", () => {
  fc.assert(
    fc.property(anySlots, fc.option(fc.integer({ min: 1, max: 20 })), (slots, most) => {
      const found = nextHandover(slots, most);
      if (found === null) return;
      const to = slots.find((each) => each.tenant === found.to);
      expect(to?.isWaiting).toBe(true);
      expect(to?.held).toBeLessThan(most ?? Number.POSITIVE_INFINITY);
      expect(found.from.size).toBeGreaterThan(0);
      for (const each of slots.filter((one) => found.from.has(one.tenant))) {
        expect(each.tenant).not.toBe(found.to);
        expect(each.held).toBeGreaterThan(0);
        if (to?.held !== 0) expect(each.held - 1).toBeGreaterThanOrEqual((to?.held ?? 0) + 1);
      }
    }),
  );
});

test("handing over ends, with nobody waiting who has two fewer than another, or none where another has one to spare", () => {
  fc.assert(
    fc.property(anySlots, fc.infiniteStream(fc.nat()), (start, choices) => {
      const total = start.reduce((sum, { held }) => sum + held, 0);
      let slots: readonly TenantSlots[] = start;
      // Each handover but those of a last one brings two nearer to each other: so there are fewer than there are slots.
      for (let step = 0; step <= total; step += 1) {
        const found = nextHandover(slots, null);
        const isSharing = slots.some(({ tenant: each, held }) => found?.from.has(each) === true && held > 1);
        if (found === null || !isSharing) break;
        expect(step).toBeLessThan(total);
        slots = handedOver(slots, found, choices.next().value ?? 0);
      }
      expect(slots.reduce((sum, { held }) => sum + held, 0)).toBe(total);
      const most = Math.max(0, ...slots.map(({ held }) => held));
      for (const { held, isWaiting } of slots) if (isWaiting) expect(held).toBeGreaterThanOrEqual(most - 1);
    }),
  );
});
