// A credential that has ended makes no webhook and changes none, however far its request had come.

import { expect, test } from "vitest";
import { value } from "../../support/engine.ts";
import { openWorld } from "./world.ts";

test("whoever's key was revoked while the request was under way makes no webhook, and changes none", async () => {
  await using world = await openWorld([]);
  const { engine, harness } = world;
  const { id } = await world.create({ url: "https://hooks.example.org/" });
  const gone = await engine.newCaller("gone");
  if (gone.key === null) throw new Error("it came in with a key");
  value(await harness.revokeKey(engine.caller, gone.key));
  const before = value(await harness.webhooks.list(engine.caller));
  const { webhooks } = harness;
  for (const asked of [
    webhooks.create(gone, { url: "https://hooks.example.org/", events: ["run.ended"], description: "" }),
    webhooks.rotate(gone, id, { overlap_seconds: 0 }),
    webhooks.enable(gone, id),
    webhooks.ping(gone, id),
    webhooks.redeliver(gone, id, {}),
    webhooks.remove(gone, id),
  ])
    expect(await asked).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
  expect(value(await webhooks.list(engine.caller))).toEqual(before);
  expect(await world.deliveries(id)).toEqual([]);
  // Its secret is the first one still.
  const { rows } = await engine.database.ownerPool().query("select generation from assent.webhooks");
  expect(rows).toEqual([{ generation: 1 }]);
});
