// Draws secrets and the texts they stand in. The same seed draws the same.

import { createHash } from "node:crypto";
import { SECRET_KINDS, type SecretKind } from "./kinds.ts";

export type SecretSample = {
  readonly kind: SecretKind;
  /** What must not be left of the text, whole or in part. */
  readonly secret: string;
  readonly text: string;
  /** The name of the syntax around it. */
  readonly syntax: string;
};

/** Numbers from 0 up to, not including, `below`. */
export type Draw = (below: number) => number;

/** SHA-256 in counter mode: the same on every machine, and no two seeds alike. */
export function drawFrom(seed: string): Draw {
  let block = Buffer.alloc(0);
  let used = 0;
  let counter = 0;
  return (below) => {
    if (used + 4 > block.length) {
      block = createHash("sha256").update(`${seed}\n${counter}`).digest();
      counter += 1;
      used = 0;
    }
    const drawn = block.readUInt32BE(used);
    used += 4;
    return Math.floor((drawn / 0x1_0000_0000) * below);
  };
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";

const CLASSES: Readonly<Record<string, string>> = {
  d: DIGITS,
  h: `${DIGITS}abcdef`,
  H: `${DIGITS}ABCDEF`,
  l: LOWER,
  k: LOWER + DIGITS,
  K: UPPER + DIGITS,
  a: LOWER + UPPER + DIGITS,
  u: `${LOWER}${UPPER}${DIGITS}-_`,
  b: `${LOWER}${UPPER}${DIGITS}+/`,
  "2": `${UPPER}234567`,
};

export function drawSecret(kind: SecretKind, draw: Draw): string {
  return kind.form.replaceAll(/\{(\w):(\d+)\}/g, (_, name: string, count: string) =>
    name === "p" ? drawPassword(Number(count), draw) : drawOf(CLASSES[name] ?? "", Number(count), draw),
  );
}

function drawOf(characters: string, count: number, draw: Draw): string {
  let drawn = "";
  // A mark at either end is possible in life but makes the sample ambiguous: is it the secret's or the text's?
  while (drawn.length < count) {
    const next = characters.charAt(draw(characters.length));
    const isEdge = drawn.length === 0 || drawn.length === count - 1;
    if (!isEdge || /[A-Za-z0-9]/.test(next)) drawn += next;
  }
  return drawn;
}

const WORDS = [
  "winter",
  "Dragon",
  "coffee",
  "Berlin",
  "orange",
  "Falcon",
  "monday",
  "Tiger",
  "secure",
  "Harbour",
];

/** As people build them: a word, a year, a mark, and something odd. */
function drawPassword(count: number, draw: Draw): string {
  const word = WORDS[draw(WORDS.length)] ?? "";
  const tail = drawOf(`${DIGITS}${LOWER}${UPPER}!#%*?`, Math.max(4, count - word.length - 3), draw);
  return `${word}${1990 + draw(40)}${"!#*?_"[draw(5)] ?? ""}${tail}`.slice(
    0,
    Math.max(count, word.length + 6),
  );
}

/** `{i}` and `{I}`: a name for the secret, in small letters and in capitals; `{s}`: the secret. */
type Syntax = readonly [name: string, template: string];

/** Where the form marks the secret it must be found in any surroundings. */
const SURROUNDINGS: readonly Syntax[] = [
  ["log line", "2026-11-20T10:11:12.345Z INFO worker-3 request failed for {s} after 31 ms"],
  ["log pair", 'level=warn msg="upstream refused" value={s} attempt=2'],
  ["json log", '{"level":"info","msg":"calling upstream","detail":"{j}","n":3}'],
  ["json", '{\n  "name": "x",\n  "value": "{j}"\n}'],
  ["escaped json", '{"body":"{\\"k\\":\\"{jj}\\"}"}'],
  ["environment", "export CURRENT={s}\nexport NEXT=1"],
  ["yaml", "settings:\n  current: '{s}'\n  other: 5"],
  ["code", 'const current = "{j}";\nrun(current);'],
  ["error", "Error: 401 Unauthorized: invalid value '{s}'\n    at call (file:///srv/app.js:10:5)"],
  ["prose", "I pasted {s}, sorry about that."],
  ["markdown", "Use `{s}` for the staging cluster."],
  ["parentheses", "call({s})"],
  ["diff", "+  value: {s}\n-  value: none"],
];

/** Where only a name tells. */
const ASSIGNMENTS: readonly Syntax[] = [
  ["environment", "{I}_API_TOKEN={s}\nBACKUP_ENABLED=true"],
  ["quoted environment", 'export {I}_SECRET_KEY="{s}"'],
  ["ini", "{i}Token = {s}"],
  ["json", '{\n    "{i}_token": "{s}",\n    "retries": 3\n}'],
  ["json in a log", '{"level":"info","config":"{\\"{i}ApiKey\\":\\"{s}\\"}"}'],
  ["escaped line break", '{"config.ini": "{I}_TOKEN={s}\\nBACKUP_ENABLED=true"}'],
  ["xml element", "<{i}Token>{s}</{i}Token>"],
  ["xml lines", "<{i}Token>\n    {s}\n</{i}Token>"],
  ["xml attributes", '<add key="{i}ApiKey" value="{s}" />'],
  ["yaml", "{i}_api_key: {s}"],
  ["yaml single quotes", "{i}_token: '{s}'"],
  ["yaml block", "{i}_secret: |\n  {s}\nnext: 1"],
  ["name and value", '- name: {I}_API_KEY\n  value: "{s}"'],
  ["json name and value", '[{"name":"{I}_TOKEN","value":"{s}"}]'],
  ["typescript", 'const {i}ApiKey: string = "{s}";'],
  ["go", '{i}Token := "{s}"'],
  ["go typed", 'var {i}Token string = "{s}"'],
  ["java", 'String {i}Token = "{s}";'],
  ["ruby", '"{i}_token" => "{s}",'],
  ["php", "define('{I}_SECRET', '{s}');"],
  ["php concat", '${i}Token .= "{s}"'],
  ["index", 'config["{i}_api_key"] = "{s}"'],
  ["call", 'System.setProperty("{I}_TOKEN", "{s}")'],
  ["setter", 'client.set{C}ApiKey("{s}")'],
  ["flag", "deploy --{i}-token {s} --verbose"],
  ["flag with =", "deploy --{i}-api-key={s} --verbose"],
  ["query", "GET https://api.example.net/v1/items?{i}_token={s}&page=2 200"],
  ["header", "X-{C}-Api-Key: {s}"],
  ["make", "{I}_TOKEN ?= {s}"],
  ["connection string", "Endpoint=sb://x.example.net/;{C}Secret={s};Timeout=30"],
  ["prose", "the {i} api key is {s}"],
  ["map in a log", "env = {PATH=/usr/bin, {I}_SECRET={s}, LC_ALL=C}"],
  ["python keywords", 'connect(host="db", {i}_password="{s}", port=5)'],
];

export function drawSample(kind: SecretKind, draw: Draw): SecretSample {
  const secret = drawSecret(kind, draw);
  const syntaxes = kind.service === null ? SURROUNDINGS : ASSIGNMENTS;
  const [syntax, template] = syntaxes[draw(syntaxes.length)] ?? ["", "{s}"];
  const service = kind.service ?? "";
  const json = JSON.stringify(secret).slice(1, -1);
  const fill: Readonly<Record<string, string>> = {
    i: service,
    I: service.toUpperCase(),
    C: service.charAt(0).toUpperCase() + service.slice(1),
    s: secret,
    j: json,
    jj: JSON.stringify(json).slice(1, -1),
  };
  const text = template.replaceAll(/\{(i|I|C|s|j|jj)\}/g, (_, name: string) => fill[name] ?? "");
  return { kind, secret, text, syntax };
}

/** @param perKind how many of each kind */
export function drawSamples(seed: string, perKind: number): SecretSample[] {
  return SECRET_KINDS.flatMap((kind) =>
    Array.from({ length: perKind }, (_, at) => drawSample(kind, drawFrom(`${seed}/${kind.name}/${at}`))),
  );
}

/** Parts of a secret this long that are still there count as a tail that was left. */
const REMAINDER_CHARS = 8;

/** What is left of a secret in a redacted text: the longest part, or "" where it went whole. */
export function remainderOf(secret: string, redacted: string): string {
  // A mark may name the maker, and some makers begin their secrets with their name.
  const text = redacted.replaceAll(/\[redacted:[^\]]*\]/g, "\0");
  const marks =
    /-----(?:BEGIN|END)[A-Z ]+-----|https:\/\/[a-z.]+\/(?:services|api\/webhooks|webhookb2)\/|\s+/g;
  let longest = "";
  for (const part of secret.split(marks)) {
    for (let at = 0; at + REMAINDER_CHARS <= Math.max(part.length, REMAINDER_CHARS); at += 1) {
      const piece = part.slice(at, at + REMAINDER_CHARS);
      if (piece.length < 6 || !text.includes(piece)) continue;
      let end = at + piece.length;
      while (end < part.length && text.includes(part.slice(at, end + 1))) end += 1;
      if (end - at > longest.length) longest = part.slice(at, end);
    }
  }
  return longest;
}
