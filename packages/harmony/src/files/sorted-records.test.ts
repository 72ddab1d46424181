import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedRecords } from "./sorted-records.ts";

type Item = { readonly key: number; readonly id: number };
const compare = (a: Item, b: Item): number => a.key - b.key || a.id - b.id;

test("whatever comes, goes and is asked for in between, all are there in order", () => {
  const move = fc.oneof(
    fc.record({ add: fc.nat({ max: 5 }) }),
    fc.record({ remove: fc.nat({ max: 40 }) }),
    fc.constant({ look: true }),
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const records = new SortedRecords<Item>(compare);
      const model: Item[] = [];
      for (const [id, what] of moves.entries()) {
        if ("add" in what) {
          const item = { key: what.add, id };
          records.add(item);
          model.push(item);
        } else if ("remove" in what) {
          const [item] = model.splice(what.remove, 1);
          if (item !== undefined) records.remove(item);
        } else expect(records.all()).toEqual(model.toSorted(compare));
      }
      expect(records.all()).toEqual(model.toSorted(compare));
      expect(records.all()).toBe(records.all());
    }),
    { seed: 42 },
  );
});
