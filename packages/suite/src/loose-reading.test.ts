import { runSchema } from "@assent/contract";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { digestOfEvent, sha256Hex } from "./digest.ts";
import { readEventLoosely, readLoosely } from "./loose-reading.ts";
import { fieldsOf } from "./run-reading.ts";

const EVENT = {
  v: 1,
  run_id: "01890a5d-ac96-774b-bcce-b302099a8057",
  version: 1,
  at: "2026-11-22T03:00:00.123456+02:00",
  kind: "run_queued",
  actor: null,
  data: {},
  shard: 7,
};
const plain = (event: object): string => `sha256:${sha256Hex(canonicalJson(event))}`;

test.each([
  ["over what was sent", plain(EVENT)],
  [
    "behind what the contract puts before it",
    `sha256:${sha256Hex(`assent/event/v1\n${canonicalJson(EVENT)}`)}`,
  ],
  ["over what the contract names", plain({ ...EVENT, shard: undefined })],
])("a digest %s is right in another form", (_, digest) => {
  const known = digest === plain({ ...EVENT, shard: undefined }) ? plain(omitShard()) : digest;
  const { data, odd } = readEventLoosely({ ...EVENT, digest: known });
  expect(data === null ? "" : digestOfEvent(data)).toBe(data?.digest);
  expect(odd.map((each) => each.split(":")[0])).toEqual(["run_id", "at", ""]);
});

function omitShard(): object {
  const { shard: _, ...rest } = EVENT;
  return rest;
}

test.each([
  ["of another event", plain({ ...EVENT, version: 2 })],
  [
    "of what has taken its place",
    digestOfEvent(readEventLoosely({ ...EVENT, digest: plain({}) }).data ?? never()),
  ],
])("a digest %s is wrong in any form", (_, digest) => {
  const { data } = readEventLoosely({ ...EVENT, digest });
  expect(data).not.toBeNull();
  expect(data === null ? data : digestOfEvent(data)).not.toBe(data?.digest);
});

function never(): never {
  throw new Error("it cannot be read");
}

test("what is missing, or of another type or word, is no matter of form", () => {
  const fault = (change: object): boolean =>
    readEventLoosely({ ...EVENT, digest: plain(EVENT), ...change }).data === null;
  expect(
    [
      {},
      { actor: undefined },
      { kind: "run_began" },
      { version: "1" },
      { at: "yesterday" },
      { digest: "md5:1" },
    ].map(fault),
  ).toEqual([false, true, true, true, true, true]);
});

test("the same id of another form is the same thing wherever it stands", () => {
  const { issues } = readLoosely(runSchema, { id: "17", redrive_of: "17" });
  expect(issues.map((issue) => fieldsOf(issue)["path"])).not.toContainEqual(["id"]);
  const [one, other] = [EVENT, { ...EVENT, version: 2 }].map((event) =>
    readEventLoosely({ ...event, digest: plain(event) }),
  );
  expect(one?.data?.run_id).toMatch(/^run_[0-9a-f]{32}$/u);
  expect(one?.data?.run_id).toBe(other?.data?.run_id);
});
