// What a label points at: each text that a value was put together from, each stretch once, however often and in
// whatever order the value says it. A label that loses one hides from the person who is asked whose words they are.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { SourceRef } from "../decide/action-request.ts";
import { SOURCES_PER_LEAF_MAX } from "./limits.ts";
import { createOriginIndex, type LabelledText, type OriginIndex } from "./origins.ts";
import { findUntrustedParts } from "./parts.ts";
import { createTrustedText } from "./trusted-text.ts";
import { createUntrustedText, type UntrustedText } from "./untrusted-text.ts";
import { readingsOf } from "./value-reading.ts";

const RUN = { seed: 42, numRuns: 500 };

const mail = (text: string, seq: number): LabelledText => ({ id: `step:${seq}`, label: "untrusted", text });

function indexOf(task: string, texts: readonly string[]): OriginIndex {
  const index = createOriginIndex();
  index.add({ id: "task", label: "trusted", text: task });
  for (const [seq, text] of texts.entries()) index.add(mail(text, seq));
  return index;
}

const labelOf = (index: OriginIndex, value: string): { origin: string; sources: readonly SourceRef[] } =>
  index.label({ value }).labels["/value"] ?? { origin: "none", sources: [] };

const name = fc.string({
  unit: fc.constantFrom(...Array.from("bcdfghjklmnpqrstvwxz")),
  minLength: 5,
  maxLength: 12,
});
const address = fc.tuple(name, name, name).map(([user, host, top]) => `${user}@${host}.${top}`);
const page = fc.tuple(name, name, name).map(([host, path, top]) => `https://${host}.${top}/${path}`);
/** Its last letter and its next one are none that a name ends or begins with, so that a stretch ends with its value. */
const hidden = (value: string): string => `Hello! Here: ${value}, as ever.`;
const addresses = fc.uniqueArray(fc.oneof(address, page), {
  minLength: 1,
  maxLength: SOURCES_PER_LEAF_MAX,
  // Nothing of one stands in another, so that each stands in its own mail alone.
  selector: (text) => text.slice(0, 12),
});

test("a value names every text that it was put together from, and each stretch of it once", () => {
  const joint = fc.constantFrom(", ", " ", "; ", "\n", " | ");
  fc.assert(
    fc.property(addresses, fc.array(fc.nat(9), { maxLength: 8 }), joint, (parts, again, by) => {
      const index = indexOf("Answer the last messages.", parts.map(hidden));
      const said = [...parts, ...again.map((at) => parts[at % parts.length] ?? "")];
      const { origin, sources } = labelOf(index, said.join(by));
      expect(origin).toBe("untrusted");
      expect(sources.map(({ source }) => source).toSorted()).toEqual(parts.map((_, seq) => `step:${seq}`));
      for (const { source, start, end } of sources) {
        const part = parts[Number(source.slice("step:".length))] ?? "";
        expect(hidden(part).slice(start, end)).toBe(part);
      }
    }),
    RUN,
  );
});

test("what the requester wrote and a mail quotes neither hides an untrusted part beside it nor is one", () => {
  fc.assert(
    fc.property(addresses, address, fc.boolean(), (parts, own, before) => {
      const index = indexOf(`Write to ${own}.`, [...parts, own].map(hidden));
      const value = parts.join(", ");
      const beside = labelOf(index, before ? `${own}, ${value}` : `${value}, ${own}`);
      expect(beside).toEqual(labelOf(index, value));
      expect(beside.origin).toBe("untrusted");
      for (const word of [own, own.slice(0, own.indexOf("@"))])
        expect(labelOf(index, `${word}, xyxyx`)).toEqual({ origin: "model", sources: [] });
    }),
    RUN,
  );
});

const stretch = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("."));
/** Texts made of pieces of the same few stretches, so that one stretch is met at many places. */
const woven = fc.tuple(stretch, stretch).chain((stretches) => {
  const cut = fc
    .tuple(fc.nat(1), fc.nat(20), fc.nat(40))
    .map(([at, from, length]) => (stretches[at] ?? "").slice(from, from + length));
  const text = fc.array(fc.oneof(cut, cut, stretch), { maxLength: 5 }).map((cuts) => cuts.join(" "));
  return fc.record({ task: text, mails: fc.array(text, { minLength: 1, maxLength: 3 }), value: text });
});

test("of one stretch that is met at several places the label has one, and few are followed for it", () => {
  let met = 0;
  fc.assert(
    fc.property(woven, ({ task, mails, value }) => {
      const trusted = createTrustedText();
      trusted.add("task", task);
      const untrusted = createUntrustedText();
      for (const [seq, text] of mails.entries()) untrusted.add(`step:${seq}`, text);
      for (const reading of readingsOf(value)) {
        const refs: SourceRef[] = [];
        const counted: UntrustedText = {
          ...untrusted,
          refer: (...place) => {
            const ref = untrusted.refer(...place);
            refs.push(ref);
            return ref;
          },
        };
        const found = findUntrustedParts(reading, trusted, counted, SOURCES_PER_LEAF_MAX);
        const distinct = [...new Map(refs.map((ref) => [JSON.stringify(ref), ref])).values()];
        expect(found).toEqual(distinct);
        // Following a place costs its stretch, whoever wrote it; of a million hostile texts none had more than six.
        expect(refs.length).toBeLessThanOrEqual(4 * SOURCES_PER_LEAF_MAX);
        met += refs.length - distinct.length;
      }
    }),
    { seed: 42, numRuns: 500 },
  );
  // Else nothing above was put to the test.
  expect(met).toBeGreaterThan(10);
});
