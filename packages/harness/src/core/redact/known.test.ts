import { expect, test } from "vitest";
import { createKnownSecrets, KNOWN_SECRET_CHARS_MIN } from "./known.ts";
import { replaceSpans } from "./redact.ts";

const LONG = "Kq7/vT2+xWz9-Lm4_RbN8sYc3HdJ6fGp=e5A";
const SHORT = "s3!cr#T9";

function maskerOf(...secrets: readonly string[]): (text: string) => string {
  const known = createKnownSecrets();
  for (const secret of secrets) expect(known.register(secret, "given")).toBe("registered");
  return (text) => replaceSpans(text, known.find(text));
}

const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  raw: (secret) => secret,
  encodeURIComponent: encodeURIComponent,
  "encodeURIComponent in small hex": (secret) =>
    encodeURIComponent(secret).replaceAll(/%../g, (escape) => escape.toLowerCase()),
  "every byte percent-encoded": percent,
  "percent-encoded twice": (secret) => encodeURIComponent(percent(secret)),
  "percent-encoded three times": (secret) => encodeURIComponent(encodeURIComponent(percent(secret))),
  hex: (secret) => Buffer.from(secret).toString("hex"),
  "hex in capitals": (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  "hex with colons": (secret) =>
    Buffer.from(secret)
      .toString("hex")
      .replaceAll(/..(?=.)/g, "$&:"),
  base64,
  "base64, second alignment": (secret) => base64(`a${secret}`),
  "base64, third alignment": (secret) => base64(`ab${secret}xyz`),
  base64url: (secret) => Buffer.from(`>>${secret}??`).toString("base64url"),
  "base64 in lines": (secret) => base64(`user:${secret}`).replaceAll(/.{8}/g, "$&\r\n"),
  "base64 of base64": (secret) => base64(base64(secret)),
  "base64 of UTF-16": (secret) => Buffer.from(secret, "utf16le").toString("base64"),
  json: (secret) => JSON.stringify(secret),
  "json in json": (secret) => JSON.stringify(JSON.stringify(JSON.stringify(secret))),
  "unicode escapes": (secret) =>
    secret
      .split("")
      .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  "hex escapes": (secret) =>
    secret
      .split("")
      .map((c) => `\\x${c.charCodeAt(0).toString(16)}`)
      .join(""),
  "HTML entities": (secret) =>
    secret
      .split("")
      .map((c) => `&#${c.charCodeAt(0)};`)
      .join(""),
  "HTML entities in hex": (secret) =>
    secret
      .split("")
      .map((c) => `&#x${c.charCodeAt(0).toString(16)};`)
      .join(""),
  "zero-width spaces": (secret) => secret.split("").join("\u200b"),
  "soft hyphens and marks": (secret) => secret.split("").join("\u00ad\u0301"),
  "line breaks": (secret) => secret.split("").join("\n"),
  "escaped line breaks": (secret) => JSON.stringify(secret.split("").join("\n")),
  fullwidth: (secret) =>
    secret
      .split("")
      .map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))
      .join(""),
  "tag characters": (secret) =>
    secret
      .split("")
      .map((c) => String.fromCodePoint(c.charCodeAt(0) + 0xe0000))
      .join(""),
  "bytes as a program lists them": (secret) =>
    [...Buffer.from(secret)].map((byte) => `0x${byte.toString(16)}`).join(", "),
  "characters by their number": (secret) =>
    secret
      .split("")
      .map((c) => `U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`)
      .join(" "),
  "bytes as JSON": (secret) => JSON.stringify(Buffer.from(secret)),
};

test.each(Object.entries(ENCODINGS))("a known secret is masked: %s", (_, encode) => {
  for (const secret of [LONG, SHORT]) {
    const mask = maskerOf(secret);
    const encoded = encode(secret);
    const masked = mask(`before ${encoded} after`);
    expect(masked).not.toContain(encoded);
    expect(masked).toContain("[redacted:given]");
    expect(masked.startsWith("before ") && masked.endsWith(" after")).toBe(true);
    // What stays is of the content around it (`user:`), and one character at each border at most.
    const left = masked
      .slice(7, -6)
      .replaceAll(/\[redacted:given\]|\\u|\\x|\\n|[^A-Za-z0-9]|data|type|Buffer/g, "");
    expect(left.length).toBeLessThanOrEqual(8);
  }
});

const bytesAs = (write: (byte: number) => string) => (secret: string) =>
  [...Buffer.from(secret)].map(write).join("");

const ENCODINGS_OF_ANY_SCRIPT: Readonly<Record<string, (secret: string) => string>> = {
  raw: (secret) => secret,
  encodeURIComponent: encodeURIComponent,
  "encodeURIComponent twice": (secret) => encodeURIComponent(encodeURIComponent(secret)),
  "every byte percent-encoded": percent,
  hex: (secret) => Buffer.from(secret).toString("hex"),
  base64,
  "unicode escapes": bytesOfUtf16,
  "hex escapes of its bytes": bytesAs((byte) => `\\x${byte.toString(16).padStart(2, "0")}`),
  "octal escapes of its bytes": bytesAs((byte) => `\\${byte.toString(8).padStart(3, "0")}`),
  "taken for Latin-1": (secret) => Buffer.from(secret).toString("latin1"),
  decomposed: (secret) => secret.normalize("NFD"),
  composed: (secret) => secret.normalize("NFC"),
};

function bytesOfUtf16(secret: string): string {
  return secret
    .split("")
    .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

test.each(Object.entries(ENCODINGS_OF_ANY_SCRIPT))(
  "a known secret of any script is masked: %s",
  (_, encode) => {
    const secrets = [
      "pässwörd",
      "Zu\u0308rich-U\u0308bermut-2024!",
      "пароль-от-базы",
      "密码是很长的秘密字符串",
      "🔑🔒🔑🔓🔑x",
      SHORT,
    ];
    for (const secret of secrets) {
      const masked = maskerOf(secret)(`before ${encode(secret)} after`);
      // What may stay is a mark at its end, or base64's filling.
      expect(masked).toMatch(/^before \\?\[redacted:given\].{0,6} after$/);
    }
  },
);

test("a secret that was cut short is still masked", () => {
  const mask = maskerOf("0123456789abcdefghijklmnopqrstuvwxyz");
  expect(mask("key 0123456789abcdefghij… (cut)")).toBe("key [redacted:given]… (cut)");
});

test("what lies between two secrets stays", () => {
  const mask = maskerOf(LONG, SHORT);
  expect(mask(`${LONG} and ${SHORT}.`)).toBe("[redacted:given] and [redacted:given].");
});

test("a short value is refused, and never masked", () => {
  const known = createKnownSecrets();
  expect(known.register("a".repeat(KNOWN_SECRET_CHARS_MIN - 1), "given")).toBe("too_short");
  expect(known.register("   admin   ", "given")).toBe("too_short");
  expect(known.find("admin aaaaaaa")).toEqual([]);
});
