// Values that look drawn and stand without a name: which of them go, and what lets one stay. What goes stands between « and ».

import { expect, test } from "vitest";
import { findBareTokens } from "./bare-tokens.ts";

const DRAWN = "aK9dX2mQ7zR4tW8vB3nL6pYc";
const BASE64 = "aK9dX2mQ7/zR4tW8vB3nL6p+YcH5jF0gS1uE";

function found(marked: string): void {
  const text = marked.replaceAll(/[«»]/g, "");
  let shown = text;
  for (const { start, end } of findBareTokens(text).toSorted((a, b) => b.start - a.start))
    shown = `${shown.slice(0, start)}«${shown.slice(start, end)}»${shown.slice(end)}`;
  expect(shown).toBe(marked);
}

test.each([
  ["drawn and long", `x «${DRAWN}» y`],
  ["one character shorter", `x ${DRAWN.slice(1)} y`],
  ["behind a word of credentials", `my token «${DRAWN.slice(0, 16)}» y`],
  ["behind one, but too short", `my token ${DRAWN.slice(0, 15)} y`],
  ["behind a word of digests", `commit ${DRAWN} y`],
  ["behind both, the nearest of which speaks", `token digest ${DRAWN} and digest token «${DRAWN}»`],
  ["on the line below", `token\n${DRAWN.slice(0, 16)}`],
  ["too far behind", `token ${"x ".repeat(40)}${DRAWN.slice(0, 16)}`],
  ["behind a key of something", `api key «${DRAWN.slice(0, 16)}»\nsort key ${DRAWN.slice(0, 16)}`],
  ["in base64", `x «${BASE64}» y`],
  ["of hex", "x 0a1b2c3d4e5f60718293a4b5c6d7e8f9 y"],
  ["a UUID", "x 3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6b y"],
  ["words", "x the-understanding-of-other-tenants y"],
  ["in an address", `https://example.org/${DRAWN}`],
  ["assigned in an address", `https://example.org/?x=«${DRAWN}»`],
  ["longer than any token", `x ${DRAWN.repeat(7)} y`],
  ["of a service", `heroku: «${DRAWN.slice(0, 12)}»`],
  ["of a service, too short", `heroku: ${DRAWN.slice(0, 11)}`],
  ["of a service, with nothing that assigns", `heroku ${DRAWN.slice(0, 12)}`],
  ["a digest of a service", `heroku commit: ${DRAWN.slice(0, 12)}`],
  ["three parts with dots", `x «${DRAWN}.${DRAWN}.${DRAWN}» y`],
  ["two parts with dots", `x «${DRAWN}».«${DRAWN}» y`],
  ["a placeholder", "x example-aK9dX2mQ7zR4tW8vB y"],
])("%s", (_, marked) => {
  found(marked);
});

const DIGEST = "lQvK2goAql4VaOcMJDcEzhlhY9DEeCKv9KvXdSCaUo=";

test.each(["h1:", "sha256-", "sha512-", "sha256:", "md5=", "base64,", "blake2b:"])(
  "a digest is public behind %s, whatever mark of base64 it begins with",
  (form) => {
    for (const begun of ["", "+", "/", "//", "+/"]) found(`golang.org/x/net v0.1.0 ${form}${begun}${DIGEST}`);
  },
);
