// Secrets that stand in no one text of a value, and the exact part of each text that belongs to one.

import { expect, test } from "vitest";
import { findJoined, type Leaf } from "./joined.ts";
import { createKnownSecrets, type KnownSecrets } from "./known.ts";

const SECRET = "s3!cr#T9";

function knowing(...secrets: readonly string[]): KnownSecrets {
  const known = createKnownSecrets();
  for (const secret of secrets) known.register(secret, "given");
  return known;
}

const value = (text: string): Leaf => ({ text, isName: false });
const name = (text: string): Leaf => ({ text, isName: true });

/** What is left of each leaf, with `#` for each character that goes. */
function left(leaves: readonly Leaf[], known = knowing(SECRET)): readonly string[] {
  const joined = findJoined(leaves, known);
  return leaves.map(({ text }, at) => {
    const characters = text.split("");
    for (const { start, end, kind } of joined.get(at) ?? []) {
      expect(kind).toBe("given");
      expect(end).toBeGreaterThan(start);
      for (let place = start; place < end; place += 1) characters[place] = "#";
    }
    return characters.join("");
  });
}

test.each<[string, readonly Leaf[], readonly string[]]>([
  ["two values", [value("s3!c"), value("r#T9")], ["####", "####"]],
  ["two values with more around it", [value("x s3!c"), value("r#T9 y")], ["x ####", "#### y"]],
  ["three values", [value("s3"), value("!cr"), value("#T9")], ["##", "###", "###"]],
  ["values with an empty one between", [value("s3!c"), value(""), value("r#T9")], ["####", "", "####"]],
  ["one value of several", [value("aa"), value(SECRET), value("bb")], ["aa", "########", "bb"]],
  [
    "the end of one, and all of the next",
    [value("ab"), value("cds3"), value("!cr#T9")],
    ["ab", "cd##", "######"],
  ],
  ["a name and its value", [name("x s3!c"), value("r#T9 y")], ["x ####", "#### y"]],
  [
    "a value and the next name",
    [name("a"), value("s3!c"), name("r#T9"), value("b")],
    ["a", "####", "####", "b"],
  ],
  [
    "two values, whatever names stand between",
    [name("first"), value("s3!c"), name("second"), value("r#T9")],
    ["first", "####", "second", "####"],
  ],
  ["a name alone and one value", [name("s3!c"), value("r#T9")], ["####", "####"]],
  ["two names in a row", [name("s3!c"), name("r#T9")], ["####", "####"]],
])("a secret over %s", (_, leaves, expected) => {
  expect(left(leaves)).toEqual(expected);
});

test("of several secrets each is found, and what is between them stays", () => {
  const leaves = [value("as3!c"), value("r#T9b"), value("cs3!"), value("cr#T9d"), value("e")];
  expect(left(leaves)).toEqual(["a####", "####b", "c###", "#####d", "e"]);
  const known = knowing(SECRET, "0th3r!k%y");
  expect(left([value("s3!c"), value("r#T90th3r"), value("!k%y z")], known)).toEqual([
    "####",
    "#########",
    "#### z",
  ]);
});

test("names and values are read together and by themselves, and one place can go for both", () => {
  const known = knowing("aaaa!bbbb", "cccc!bbbb");
  // By itself, the values read `cccc!bbbb`; with their names, `aaaa!bbbb` is in a name and the end of a value.
  expect(left([value("cccc"), name("aaaa"), value("!bbbb")], known)).toEqual(["####", "####", "#####"]);
});

test("without a secret, or with one text alone, nothing is looked for", () => {
  expect(findJoined([value(SECRET), value("x")], createKnownSecrets()).size).toBe(0);
  expect(findJoined([value(SECRET)], knowing(SECRET)).size).toBe(0);
  expect(findJoined([], knowing(SECRET)).size).toBe(0);
});

test("each way of reading is looked at once, and only where it is another one", () => {
  const looked: string[] = [];
  const known: KnownSecrets = {
    count: 1,
    register: () => "registered",
    find: (text) => {
      looked.push(text);
      return [];
    },
  };
  const looks = (...leaves: readonly Leaf[]): readonly string[] => {
    looked.length = 0;
    findJoined(leaves, known);
    return [...looked];
  };
  expect(looks(value("a"), value("b"))).toEqual(["ab"]);
  expect(looks(name("n"), value("a"), name("m"), value("b"))).toEqual(["ab", "namb"]);
  expect(looks(name("n"), value("a"))).toEqual(["na"]);
  expect(looks(name("n"), name("m"))).toEqual(["nm"]);
  expect(looks(value("a"))).toEqual([]);
});
