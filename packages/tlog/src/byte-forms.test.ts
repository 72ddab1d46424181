import fc from "fast-check";
import { expect, test } from "vitest";
import { type ByteRanges, createByteForms, pickOf, withinOf } from "./byte-forms.ts";

const rangeOf: fc.Arbitrary<ByteRanges> = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  .map(([a, b, c, d]) => [Math.min(a, b), Math.max(a, b), Math.min(c, d), Math.max(c, d)]);

const isWithin = (ranges: readonly ByteRanges[], bytes: readonly number[]): boolean =>
  ranges.every(([from, to, orFrom, orTo], i) => {
    const byte = bytes[i] ?? -1;
    return (byte >= from && byte <= to) || (byte >= orFrom && byte <= orTo);
  });

test("bytes of any length have a form if and only if each lies in one of its two ranges", () => {
  const forms = createByteForms();
  const one = fc.tuple(
    fc.array(fc.tuple(rangeOf, fc.nat(255), fc.boolean()), { minLength: 16, maxLength: 70 }),
    fc.nat(20),
    fc.nat(69),
    fc.nat(255),
  );
  fc.assert(
    fc.property(one, ([parts, before, place, byte]) => {
      forms.forget();
      const ranges = parts.map(([range]) => range);
      // Bytes that fit, and the same with one of them changed.
      const fitting = parts.map(([[from, to, orFrom, orTo], i, isSecond]) =>
        isSecond ? orFrom + (i % (orTo - orFrom + 1)) : from + (i % (to - from + 1)),
      );
      const changed = fitting.with(place % fitting.length, byte);
      const form = forms.keep(ranges) ?? expect.unreachable();
      for (const bytes of [fitting, changed]) {
        expect(forms.load(Uint8Array.from([...new Uint8Array(before), ...bytes, 7]))).toBe(true);
        expect(forms.fits(form, before)).toBe(isWithin(ranges, bytes));
      }
    }),
    { seed: 42, numRuns: 500 },
  );
});

const LETTERS: ByteRanges = [97, 122, 97, 122];
const lettersOf = (count: number): Uint8Array => new Uint8Array(count).fill(97);

test("a byte beside a range is seen at every place, with vectors and without", () => {
  const forms = createByteForms();
  const form = forms.keep(Array.from({ length: 45 }, () => LETTERS)) ?? expect.unreachable();
  // What the vectors have in memory: rules, then the bytes.
  const rules = new Uint8Array(3 * 64)
    .fill(25)
    .map((width, i) => (Math.floor(i / 16) % 2 === 0 ? 97 : width));
  const missed: number[] = [];
  for (let place = 0; place < 45; place += 1)
    for (const byte of [0, 96, 123, 225, 255]) {
      const bytes = lettersOf(45).with(place, byte);
      forms.load(bytes);
      if (forms.fits(form, 0)) missed.push(place);
      if (withinOf(Uint8Array.from([...rules, ...bytes]))(192, 192 + 45 - 16, 0) !== 0) missed.push(place);
    }
  expect(missed).toEqual([]);
  forms.load(lettersOf(45));
  expect(forms.fits(form, 0)).toBe(true);
  expect(withinOf(Uint8Array.from([...rules, ...lettersOf(45)]))(192, 192 + 45 - 16, 0)).toBe(1);
});

test("nothing fits that reaches past what was loaded, or what was not loaded", () => {
  const forms = createByteForms();
  const form = forms.keep(Array.from({ length: 20 }, () => LETTERS)) ?? expect.unreachable();
  forms.load(lettersOf(40));
  expect([forms.fits(form, 20), forms.fits(form, 21), forms.fits(form, -1)]).toEqual([true, false, false]);
  forms.load(lettersOf(30));
  expect([forms.fits(form, 10), forms.fits(form, 20)]).toEqual([true, false]);
  expect(forms.load(new Uint8Array(256 * 4_098 + 1))).toBe(false);
  expect(forms.fits(form, 0)).toBe(false);
});

test("no form is kept that is too short, or past the room for forms", () => {
  const forms = createByteForms();
  expect(forms.keep(Array.from({ length: 15 }, () => LETTERS))).toBeNull();
  const long = Array.from({ length: 4_096 }, () => LETTERS);
  let kept = 0;
  while (forms.keep(long) !== null) kept += 1;
  expect(kept).toBe(256);
  forms.forget();
  expect(forms.keep(long)).not.toBeNull();
});

/** Places of bytes, each one or two behind the one before it. */
const placesOf = fc
  .tuple(fc.nat(40), fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength: 90 }))
  .map(([first, steps]) => steps.reduce<number[]>((all, step) => [...all, (all.at(-1) ?? first) + step], []));

test("bytes are picked where they are said to be, with vectors and without", () => {
  const forms = createByteForms();
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
  fc.assert(
    fc.property(placesOf, fc.nat(60), fc.nat(20), (places, from, to) => {
      forms.forget();
      expect(forms.load(bytes)).toBe(true);
      const picks = forms.keepPicks(places) ?? expect.unreachable();
      const expected = places.map((place) => bytes[from + place] ?? -1);
      const read = (): number[] => [...forms.picked.subarray(to, to + places.length)];
      forms.picked.fill(255);
      forms.pick(picks, from, to);
      expect(read()).toEqual(expected);
      // What the vectors have in memory: all of it lies in one buffer.
      const memory = new Uint8Array(forms.room.buffer);
      forms.picked.fill(255);
      pickOf(memory)(
        forms.room.byteOffset + from,
        forms.picked.byteOffset + to,
        picks.at,
        picks.at + picks.count * 48,
      );
      expect(read()).toEqual(expected);
    }),
    { seed: 42, numRuns: 300 },
  );
});

test("what is not one or two behind the other, or has no room, is not picked", () => {
  const forms = createByteForms();
  for (const places of [
    [1, 1],
    [1, 4],
    [3, 2],
    [0.5, 1],
  ])
    expect(forms.keepPicks(places)).toBeNull();
  const picks = forms.keepPicks([1, 2]) ?? expect.unreachable();
  forms.load(Uint8Array.of(1, 2, 3));
  forms.picked.fill(9);
  for (const [from, to] of [
    [-1, 0],
    [3, 0],
    [0, forms.picked.byteLength - 15],
    [0, -1],
  ])
    forms.pick(picks, from ?? 0, to ?? 0);
  expect(forms.picked.every((byte) => byte === 9)).toBe(true);
  const many = Array.from({ length: 1_000_000 }, (_, i) => i);
  expect([forms.keepPicks(many), forms.keepPicks(many)]).toEqual([expect.anything(), null]);
});

test("bytes that were read into the room for them are taken where they lie", () => {
  const forms = createByteForms();
  const form = forms.keep(Array.from({ length: 16 }, () => LETTERS)) ?? expect.unreachable();
  forms.room.set(lettersOf(20));
  expect(forms.load(forms.room.subarray(0, 20))).toBe(true);
  expect([forms.fits(form, 4), forms.fits(form, 5)]).toEqual([true, false]);
  // Other bytes of the room are moved to its beginning.
  forms.room.set(lettersOf(20), 100);
  forms.room.fill(0, 0, 20);
  expect(forms.load(forms.room.subarray(100, 120))).toBe(true);
  expect(forms.fits(form, 0)).toBe(true);
});
