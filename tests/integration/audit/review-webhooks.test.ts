// `assent audit verify --db --state` on webhooks: what decides who is told and by whom, changed by whoever owns the database, and rows
// put there or taken away, are found with their place.

import { type CreatedWebhook, uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { value } from "../../support/engine.ts";
import { foundIn, stateAfter } from "../../support/state-after.ts";
import { type Receiver, startReceiver } from "../../support/webhook-receiver.ts";
import { openWorld, type World } from "../webhooks/world.ts";

let receiver: Receiver;
let world: World;
let [plain, replaced, removed, gone, again]: CreatedWebhook[] = [];

beforeAll(async () => {
  receiver = await startReceiver(() => 410);
  world = await openWorld([receiver]);
  const { harness, engine } = world;
  plain = await world.create(receiver);
  replaced = await world.create(receiver);
  value(await harness.webhooks.rotate(engine.caller, replaced.id, { overlap_seconds: 0 }));
  value(await harness.webhooks.rotate(engine.caller, replaced.id, { overlap_seconds: 600 }));
  removed = await world.create(receiver);
  value(await harness.webhooks.remove(engine.caller, removed.id));
  gone = await world.create(receiver);
  again = await world.create(receiver);
  const sender = world.startSender({ isSwept: false });
  for (const { id } of [gone, again]) {
    await world.ping(id);
    await world.reaches("it is off", async () => {
      sender.look();
      return value(await harness.webhooks.list(engine.caller)).some(
        (one) => one.id === id && one.status === "off",
      );
    });
  }
  // What waits would be sent again, and it would be off once more; and nothing else is to hold rows under way.
  await sender.stop();
  value(await harness.webhooks.enable(engine.caller, again.id));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const NOBODY = "00000000-0000-7000-8000-00000000abcd";
const of = (webhook: CreatedWebhook | undefined): CreatedWebhook => webhook ?? expect.unreachable();
const after = async (...statements: string[]): Promise<string[]> =>
  foundIn(await stateAfter(world.engine, statements)).toSorted();
const set = (webhook: () => CreatedWebhook | undefined, to: string) => (): string =>
  `update assent.webhooks set ${to} where id = '${uuidOf(of(webhook()).id)}'`;
const altered = (webhook: () => CreatedWebhook | undefined) => (): string =>
  `row_altered at ${of(webhook()).id}`;

test("an honest database has nothing to be found, and says how many webhooks were held against their events", async () => {
  const state = await stateAfter(world.engine, []);
  expect(state.findings).toEqual([]);
  expect(state.webhooks).toEqual({ held: 5, loose: 0, erased: 0 });
});

test.each<[what: string, statement: () => string, finding: () => string]>([
  ["another URL of the same host", set(() => plain, "url = url || '?to=eve'"), altered(() => plain)],
  [
    "another URL, with bytes of one's own before it",
    set(() => plain, String.raw`url = url || '?to=eve', url_salt = '\x${"07".repeat(16)}'`),
    altered(() => plain),
  ],
  [
    "another URL, and nothing before it",
    set(() => plain, "url = url || '/eve', url_salt = null"),
    altered(() => plain),
  ],
  [
    "other bytes before it",
    set(() => plain, String.raw`url_salt = '\x${"07".repeat(16)}'`),
    altered(() => plain),
  ],
  ["another host", set(() => plain, "url = 'https://eve.example/'"), altered(() => plain)],
  ["what is no URL", set(() => plain, "url = 'eve'"), altered(() => plain)],
  ["what it is told of", set(() => plain, "events = '{run.ended}'"), altered(() => plain)],
  [
    "when it was made, by a microsecond",
    set(() => plain, "created_at = created_at + interval '1 microsecond'"),
    altered(() => plain),
  ],
  ["who made it", set(() => plain, `created_by = '${NOBODY}'`), altered(() => plain)],
  ["a secret of before that is good again", set(() => replaced, "generation = 1"), altered(() => replaced)],
  [
    "a secret that was replaced, good for longer",
    set(() => replaced, "previous_until = previous_until + interval '1 microsecond'"),
    altered(() => replaced),
  ],
  [
    "a secret that was replaced, at once",
    set(() => replaced, "previous_until = null"),
    altered(() => replaced),
  ],
  [
    "a secret of before where there was none",
    set(() => plain, "previous_until = now() + interval '1 day'"),
    altered(() => plain),
  ],
  ["one that is told nothing any more", set(() => plain, "off_because = 'gone'"), altered(() => plain)],
  ["one that is told again", set(() => gone, "off_because = null"), altered(() => gone)],
  ["one switched off again", set(() => again, "off_because = 'gone'"), altered(() => again)],
  [
    "one that was removed, back again",
    set(() => removed, "removed_at = null, slot = 18"),
    altered(() => removed),
  ],
  ["a removal that nobody recorded", set(() => plain, "removed_at = now()"), altered(() => plain)],
  [
    "one that was put there",
    () =>
      `insert into assent.webhooks (tenant_id, id, slot, url, events, description, created_at, created_by)
       select tenant_id, '${NOBODY}', 19, 'https://eve.example/', events, '', created_at, created_by
       from assent.webhooks where id = '${uuidOf(of(plain).id)}'`,
    () => `row_added at whk_${NOBODY.replaceAll("-", "")}`,
  ],
  [
    "one that is gone",
    () => `delete from assent.webhooks where id = '${uuidOf(of(plain).id)}'`,
    () => `row_removed at ${of(plain).id}`,
  ],
  ["another tenant's", set(() => plain, `tenant_id = '${NOBODY}'`), () => `row_removed at ${of(plain).id}`],
])("is found of webhooks: %s", async (_, statement, finding) => {
  expect(await after(statement())).toEqual([finding()]);
});

test("of one URL each webhook has a digest of its own, and what that rests on is told to nobody", async () => {
  const { data } = value(await world.harness.listAccessEvents(world.engine.caller, null));
  const made = data.filter(({ kind }) => kind === "webhook_created").map((event) => event.data);
  expect(new Set(made.map(({ url_digest }) => url_digest)).size).toBe(5);
  const { rows } = await world.engine.database
    .ownerPool()
    .query<{ salt: string; path: string }>(
      "select encode(url_salt, 'hex') as salt, substring(url from '//[^/]*/(.+)') as path from assent.webhooks",
    );
  const said = JSON.stringify(data);
  for (const { salt, path } of rows)
    expect([said.includes(salt), said.includes(path)]).toEqual([false, false]);
});

test("how often it failed and until when it is left alone is no part of it", async () => {
  expect(
    await after(set(() => plain, "failures = 3, paused_until = now(), description = 'x', slot = 9")()),
  ).toEqual([]);
});

const without = (kind: string, field: string): string =>
  `update assent.audit_facts set data = (data::jsonb - '${field}')::json where kind = '${kind}'`;

test("of older events, which tell less, there is no finding, and it is said of how many", async () => {
  const OLDER = [
    without("webhook_created", "url_digest"),
    without("webhook_rotated", "previous_secret_until"),
  ];
  const state = await stateAfter(world.engine, OLDER);
  expect(state.findings).toEqual([]);
  expect(state.webhooks).toEqual({ held: 5, loose: 5, erased: 0 });
  // Where it leads is known all the same, and that a secret was replaced.
  for (const [webhook, to] of [
    [of(plain), "url = 'https://eve.example/'"],
    [of(replaced), "previous_until = null"],
    [of(replaced), "generation = 2"],
  ] as const)
    expect(await after(...OLDER, set(() => webhook, to)())).toEqual([altered(() => webhook)()]);
});

const erased = (kind: string): string =>
  `update assent.audit_facts set data = '{"erased":true}' where kind = '${kind}'`;

test("what an event said that was erased is no finding, and nothing else is excused by it", async () => {
  const made = await stateAfter(world.engine, [erased("webhook_created")]);
  expect(made.findings).toEqual([]);
  expect(made.webhooks).toEqual({ held: 0, loose: 0, erased: 5 });
  for (const [kind, count] of [
    ["webhook_rotated", 1],
    ["webhook_gone", 1],
    ["webhook_enabled", 1],
    ["webhook_removed", 1],
  ] as const) {
    const { findings, webhooks } = await stateAfter(world.engine, [erased(kind)]);
    expect([kind, findings]).toEqual([kind, []]);
    expect([kind, webhooks.erased]).toEqual([kind, count]);
  }
  for (const [kind, to] of [
    ["webhook_rotated", "off_because = 'gone'"],
    ["webhook_gone", "generation = 2"],
    ["webhook_removed", "removed_at = now()"],
    ["webhook_removed", "url = url || '?to=eve'"],
  ] as const)
    expect(await after(erased(kind), set(() => plain, to)())).toEqual([altered(() => plain)()]);
});
