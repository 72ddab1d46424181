import { expect, test } from "vitest";
import { askPatiently, secondsToWait } from "./patience.ts";
import { isLikeBoth, unknownLike } from "./likeness.ts";
import type { Answer } from "./client.ts";

const NOW = "Sun, 22 Nov 2026 03:00:00 GMT";
const SIGNAL = new AbortController().signal;
const request = (headers: Readonly<Record<string, string>> = {}): Parameters<typeof askPatiently>[0] => ({
  method: "GET",
  path: "/",
  headers,
  body: null,
});

test.each([
  [{ "retry-after": "7" }, 7],
  [{ "retry-after": "Sun, 22 Nov 2026 03:00:09 GMT", date: NOW }, 9],
  [{ "retry-after": "Sun, 22 Nov 2026 02:59:00 GMT", date: NOW }, 0],
  [{ "retry-after": "soon" }, null],
  [{ "retry-after": "-1" }, null],
  [{}, null],
])("%o says %s", (headers, seconds) => {
  expect(secondsToWait({ headers: { ...headers } })).toBe(seconds);
});

async function askTwice(
  first: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly waits: readonly number[] }> {
  const waits: number[] = [];
  const answers = [first, { status: 200, headers: {} }];
  const { status } = await askPatiently(
    request(headers),
    async () => await Promise.resolve(answers.shift() ?? first),
    { secondsMax: 5, waited: (seconds) => waits.push(seconds) },
    SIGNAL,
  );
  return { status, waits };
}

test("only a limit that says when to come again is waited for, and no signed request is sent again", async () => {
  const limit = { status: 429, headers: { "retry-after": "0" } };
  expect(await askTwice(limit)).toEqual({ status: 200, waits: [0.25] });
  expect(await askTwice({ ...limit, headers: {} })).toEqual({ status: 429, waits: [] });
  expect(await askTwice({ ...limit, status: 503 })).toEqual({ status: 503, waits: [] });
  expect(await askTwice(limit, { Signature: "sig1=::" })).toEqual({ status: 429, waits: [] });
  await expect(askTwice({ ...limit, headers: { "retry-after": "6" } })).rejects.toThrow(
    "GET / is over a limit of the harness (429), which asks to be left alone for 6 s",
  );
});

test.each([
  ["run_01a1f8a611eb7bf7985291d1f28b08e6", /^run_01a1f8a611eb7bf7985291d1[0-9a-f]{8}$/u],
  ["01890a5d-ac96-774b-bcce-b302099a8057", /^01890a5d-ac96-774b-bcce-b302[0-9a-f]{8}$/u],
  ["01ARZ3NDEKTSV4RRFFQ69G5FAV", /^01ARZ3NDEKTSV4RRFF[0-9A-Z]{8}$/u],
  ["17", /^\d{9}$/u],
  ["run-12", /^run-\d\d$/u],
  ["aaaaaaaa", /^a{7}b$/u],
])("an id like %s", (id, form) => {
  expect(unknownLike(id)).toMatch(form);
  expect(unknownLike(id)).not.toBe(id);
});

const answered = (json: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 404,
  headers,
  bytes: new Uint8Array(),
  elapsedMs: 0,
  text: JSON.stringify(json),
  json,
});

test("an answer may differ from two others where they differ, and nowhere else", () => {
  const said = (id: string, request_id: string, title = "No such run", more: object = {}): unknown => ({
    title: `${title} ${id}`,
    request_id,
    ...more,
  });
  const others = [
    { answer: answered(said("b", "r1")), id: "b" },
    { answer: answered(said("b", "r2")), id: "b" },
  ] as const;
  const isLike = (json: unknown, headers = {}): boolean =>
    isLikeBoth({ answer: answered(json, headers), id: "a" }, others);
  expect(isLike(said("a", "r3"))).toBe(true);
  expect(isLike(said("a", "r3", "Not yours"))).toBe(false);
  expect(isLike(said("a", "r3", "No such run", { tenant: "b" }))).toBe(false);
  expect(isLike(said("a", "r3"), { etag: '"1"' })).toBe(false);
  expect(isLike(said("a", "another request"))).toBe(false);
});
