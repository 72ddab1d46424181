// An attacker tries to pass a value off as the requester's by starting from one of the requester's own. Whatever differs
// in what it means must not be trusted; whatever only looks different should be.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createOriginIndex } from "./origins.ts";

const RUN = { seed: 42, numRuns: 150 } as const;

function originOf(task: string, value: unknown): string | undefined {
  const index = createOriginIndex();
  index.add({ id: "task", label: "trusted", text: task });
  return index.label({ value }).labels["/value"]?.origin;
}

const letters = (min: number, max: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[b-df-hj-np-tv-z]{${min},${max}}$`));
const address = fc.record({ local: letters(4, 9), host: letters(4, 9) });

describe("addresses", () => {
  const CHANGES: readonly (readonly [string, (local: string, host: string, other: string) => string])[] = [
    ["a domain behind it", (l, h, o) => `${l}@${h}.example.${o}.test`],
    ["a name in front of it", (l, h, o) => `${o}${l}@${h}.example`],
    ["a dotted name in front of it", (l, h, o) => `${o}.${l}@${h}.example`],
    ["a tag", (l, h, o) => `${l}+${o}@${h}.example`],
    ["another top domain", (l, h) => `${l}@${h}.test`],
    ["a subdomain", (l, h, o) => `${l}@${o}.${h}.example`],
    ["its name elsewhere", (l, _, o) => `${l}@${o}.example`],
    ["its host with another name", (_, h, o) => `${o}@${h}.example`],
    ["a letter left out", (l, h) => `${l.slice(1)}@${h}.example`],
    ["a letter doubled", (l, h) => `${l}${l.slice(-1)}@${h}.example`],
    ["a look-alike letter", (l, h) => `${l}@${h}.ex\u0430mple`],
    ["it as the user of another host", (l, h, o) => `${l}@${h}.example@${o}.test`],
    ["it as a route", (l, h, o) => `${l}%${h}.example@${o}.test`],
    ["another one beside it", (l, h, o) => `${l}@${h}.example, ${o}@${o}.test`],
    ["another one hidden in its name", (l, h, o) => `"${l}@${h}.example" <${o}@${o}.test>`],
    ["a header after it", (l, h, o) => `${l}@${h}.example\nBcc: ${o}@${o}.test`],
  ];
  test.each(CHANGES)("%s is another address", (_, change) => {
    fc.assert(
      fc.property(address, letters(4, 9), ({ local, host }, other) => {
        const task = `Please write to ${local}@${host}.example today.`;
        const value = change(local, host, other);
        fc.pre(!task.includes(` ${value} `));
        expect(originOf(task, value)).not.toBe("trusted");
        expect(originOf(task, [`${local}@${host}.example`, value])).toBeUndefined();
        const index = createOriginIndex();
        index.add({ id: "task", label: "trusted", text: task });
        const { labels } = index.label({ to: [`${local}@${host}.example`, value] });
        expect([labels["/to/0"]?.origin, labels["/to/1"]?.origin === "trusted"]).toEqual(["trusted", false]);
      }),
      RUN,
    );
  });

  test.each([
    ["capitals", (mail: string) => mail.toUpperCase()],
    ["percent-encoding", (mail: string) => mail.replace("@", "%40")],
    ["an entity", (mail: string) => mail.replace("@", "&#64;")],
    ["full width", (mail: string) => mail.replace("@", "\uff20")],
    ["spaces around it", (mail: string) => `  ${mail} `],
  ])("with %s it is the same", (_, change) => {
    fc.assert(
      fc.property(address, ({ local, host }) => {
        const mail = `${local}@${host}.example`;
        expect(originOf(`Please write to ${mail} today.`, change(mail))).toBe("trusted");
      }),
      RUN,
    );
  });
});

describe("numbers", () => {
  const amount = fc.integer({ min: 101, max: 99_999 }).filter((cents) => cents % 10 !== 0);

  test.each([
    ["ten times", (n: number) => n * 10],
    ["a hundred times", (n: number) => n * 100],
    ["a thousand times", (n: number) => n * 1_000],
    ["a tenth", (n: number) => n / 10],
    ["a cent more", (n: number) => (n * 100 + 1) / 100],
    ["the other sign", (n: number) => -n],
    ["a digit behind it", (n: number) => Number(`${n}7`)],
    ["a digit in front of it", (n: number) => Number(`7${n}`)],
    ["its digits without the point", (n: number) => Number(String(n).replace(".", ""))],
  ])("%s is another amount", (_, change) => {
    fc.assert(
      fc.property(amount, (cents) => {
        const value = cents / 100;
        const other = change(value);
        fc.pre(other !== value);
        expect(originOf(`Pay ${value} EUR to Bob.`, other)).not.toBe("trusted");
        expect(originOf(`Pay ${value} EUR to Bob.`, String(other))).not.toBe("trusted");
        expect(originOf(`Pay ${value} EUR to Bob.`, value)).toBe("trusted");
      }),
      RUN,
    );
  });

  test("another currency is another amount", () => {
    expect(originOf("Pay 500 EUR.", "500 USD")).not.toBe("trusted");
    expect(originOf("Pay 500 EUR.", "EUR 500")).toBe("trusted");
  });

  test("a day later, a month later, and day and month changed over are other dates", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 27 }), (month, day) => {
        const iso = (m: number, d: number): string =>
          `2027-${String(m).padStart(2, "0")}-${String(d).padStart(2, "0")}`;
        const task = `Book it for ${iso(month, day)}.`;
        expect(originOf(task, iso(month, day + 1))).not.toBe("trusted");
        expect(originOf(task, iso((month % 12) + 1, day))).not.toBe("trusted");
        expect(originOf(task, iso(month, day).replace("2027", "2028"))).not.toBe("trusted");
        if (day <= 12 && day !== month) expect(originOf(task, iso(day, month))).not.toBe("trusted");
        expect(originOf(task, `${iso(month, day)}T00:00:00+14:00`)).not.toBe("trusted");
        expect(originOf(task, iso(month, day).replaceAll("-", "/"))).toBe("trusted");
      }),
      RUN,
    );
  });

  test("an account with one digit changed, or two changed over, is another account", () => {
    const IBAN = "GB29NWBK60161331926819";
    const task = `Pay to ${IBAN}, please.`;
    fc.assert(
      fc.property(fc.integer({ min: 8, max: IBAN.length - 2 }), fc.integer({ min: 1, max: 9 }), (at, by) => {
        const changed = `${IBAN.slice(0, at)}${(Number(IBAN.charAt(at)) + by) % 10}${IBAN.slice(at + 1)}`;
        expect(originOf(task, changed)).not.toBe("trusted");
        const [one, two] = [IBAN.charAt(at), IBAN.charAt(at + 1)];
        if (one !== two)
          expect(originOf(task, `${IBAN.slice(0, at)}${two}${one}${IBAN.slice(at + 2)}`)).not.toBe("trusted");
      }),
      RUN,
    );
    expect(originOf(task, "GB29 NWBK 6016 1331 9268 19")).toBe("trusted");
    expect(originOf(task, IBAN.slice(0, -1))).not.toBe("trusted");
  });
});

describe("words", () => {
  test("a part of a word, and two words joined, are no words of the requester's", () => {
    fc.assert(
      fc.property(letters(7, 12), letters(7, 12), fc.integer({ min: 1, max: 3 }), (one, two, cut) => {
        fc.pre(one !== two);
        const task = `Ask ${one} about ${two}.`;
        for (const value of [
          one.slice(cut),
          one.slice(0, -cut),
          `${one}${two}`,
          `${one}.${two}`,
          `${one}@${two}`,
          `${one}/${two}`,
          `https://${one}.${two}`,
          `${one}.${two}@ask.about`,
        ])
          expect([value, originOf(task, value)]).not.toEqual([value, "trusted"]);
      }),
      RUN,
    );
  });

  test("a path or a URL that goes further, elsewhere or back is another one", () => {
    fc.assert(
      fc.property(letters(4, 8), letters(4, 8), letters(4, 8), (host, page, other) => {
        fc.pre(page !== other && host !== other);
        const url = `https://${host}.example/${page}`;
        const task = `Open ${url} and read notes/${page}.txt.`;
        for (const value of [
          `${url}/${other}`,
          `${url}?q=${other}`,
          `${url}#${other}`,
          `http://${host}.example/${page}`,
          `https://${host}.example.${other}.test/${page}`,
          `https://${other}@${host}.example/${page}`,
          `https://${host}.example@${other}.test/${page}`,
          `https://${host}.example:8443/${page}`,
          `https://${host}.example/`,
          `notes/${page}.txt/../${other}.txt`,
          `../notes/${page}.txt`,
          `/notes/${page}.txt`,
          `notes/${page}.txt.${other}`,
          `notes/${page}`,
        ])
          expect([value, originOf(task, value)]).not.toEqual([value, "trusted"]);
        expect(originOf(task, url)).toBe("trusted");
      }),
      RUN,
    );
  });
});
