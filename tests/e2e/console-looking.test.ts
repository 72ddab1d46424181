// Pages of the web console for who looks after an installation: what other rules would have decided, how people decide, who is told.

import { generateKeyPairSync } from "node:crypto";
import type { DeliveryStatus, SigningKey, Webhook } from "@assent/contract";
import type { Page } from "playwright-core";
import { Webhook as Verifier } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RequestSigningKey, signRequest } from "../../packages/harness/src/client/sign.ts";
import { openWorld } from "../integration/webhooks/world.ts";
import { type Browser, startBrowser } from "../support/browser.ts";
import { lookWithAxe, serveConsole, signedIn, widthsOfNames } from "../support/console-pages.ts";
import { answering, countingTool, openEngine, policiesOf, value } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Received, type Receiver, startReceiver } from "../support/webhook-receiver.ts";

/** As often as a page looks. */
const LOOK_MS = 5_000;

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
});

const ACT = `@id("act") permit (principal, action == Action::"call", resource);`;
const NOTE = [{ calls: [{ id: "c1", tool: "take_note", arguments: { text: "hello" } }] }];

test("other rules are tried on what was decided: a fault is shown at its line, decisions that would be others with their calls", async () => {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(
    await openEngine({
      tools: [countingTool("take_note", "once")],
      models: answering((turn) => NOTE[turn] ?? { text: "Done." }),
      policies: policiesOf({ texts: { "test.cedar": ACT } }),
    }),
  );
  await engine.startWorker({ lookEveryMs: 100 });
  const url = await serveConsole(stack, engine);
  const id = await engine.submit("Take the note hello.");
  await engine.reaches(id, "succeeded");
  const key = await engine.newKey("looker", "default", { kind: "human", roles: ["auditor"] });
  const look = async (page: Page, colorScheme: "light" | "dark"): Promise<void> => {
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("It publishes nothing").waitFor();
    const field = page.getByLabel("The whole set, in Cedar");
    await page.getByRole("button", { name: "Begin with the loaded rules" }).click();
    expect(await field.inputValue()).toContain('@id("act")');
    await field.fill(`${await field.inputValue()}\n\n@id("no") forbid (principal, action \u202E resource);`);
    await page.getByRole("button", { name: "Try them" }).click();
    const fault = page.getByRole("alert");
    await fault.getByText("line 3, column").waitFor();
    expect(await fault.innerText()).toContain("⟨U+202E⟩");
    await lookWithAxe(page, "rules that would not load", colorScheme === "light");
    await fault.getByRole("button", { name: "Go to the line" }).click();
    expect(await page.evaluate("getSelection().toString()")).toMatch(/^@id\("no"\)/);
    await field.fill(
      `${ACT}\n@id("ask-notes") @needs_approval forbid (principal, action == Action::"call", resource == Tool::"take_note");`,
    );
    // What was said of another text is gone with it.
    await fault.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Try them" }).click();
    await page.getByText("1 decisions of the last 7 days: 1 would be others").waitFor();
    const row = page.getByRole("row", { name: "take_note" });
    expect(await row.innerText()).toMatch(/permit act\s+needs approval ask-notes/);
    await lookWithAxe(page, "rules that were tried", colorScheme === "light");
    await row.getByRole("link").click();
    await page.waitForURL((at) => at.hash.includes(id) && at.hash.includes("steps"));
    // Enter opens the chosen run, and not where it is for a link that has the focus.
    // By its keys: the run's page brings its step into view when it has come, under whatever is clicked at that moment.
    await page.getByRole("list", { name: "Steps" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.getByRole("row", { name: "Take the note" }).waitFor();
    await page.getByRole("link", { name: "Health" }).press("Enter");
    await page.waitForURL((at) => at.hash !== "#/runs");
    expect(new URL(page.url()).hash).toBe("#/health");
  };
  for (const colorScheme of ["light", "dark"] as const)
    await signedIn(
      browser,
      { url, key },
      async (page) => {
        await look(page, colorScheme);
      },
      { colorScheme },
    );
  expect(engine.harness.getPolicies().rules.map(({ id: rule }) => rule)).toEqual(["act"]);
});

test("who decides how is shown to auditors, with what was taken back; to an approver it is refused", async () => {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(
    await openEngine({
      tools: [countingTool("take_note", "once")],
      models: answering((turn) => NOTE[turn] ?? { text: "Done." }),
      policies: policiesOf({
        texts: {
          "test.cedar": `${ACT} @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
        },
      }),
    }),
  );
  await engine.startWorker({ lookEveryMs: 100 });
  const url = await serveConsole(stack, engine);
  const ann = await engine.newCaller("ann\u202E", "default", "human");
  const id = await engine.submit("Take the note hello.");
  const [approval] = (await engine.reaches(id, "awaiting_approval")).approvals;
  if (approval === undefined) throw new Error("nobody is asked");
  const { id: approval_id, action_digest } = approval;
  value(
    await engine.harness.decide(ann, { approval_id, action_digest, decision: "approve", remember: true }),
  );
  await engine.reaches(id, "succeeded");
  const [precedent] = value(
    await engine.harness.listPrecedents(engine.caller, { limit: 1, cursor: null }),
  ).data;
  value(await engine.harness.revokePrecedent(engine.caller, precedent?.id ?? "", { reason: "No." }));
  const auditor = await engine.newKey("looker", "default", { kind: "human", roles: ["auditor"] });
  for (const colorScheme of ["light", "dark"] as const)
    await signedIn(
      browser,
      { url, key: auditor },
      async (page) => {
        await page.keyboard.press("g");
        await page.keyboard.press("q");
        const row = page.getByRole("row", { name: "⟨U+202E⟩" });
        await row.waitFor();
        expect(await row.innerText()).toMatch(/^ann\s*⟨U\+202E⟩\s+1\s+100 % \(1\)\s+\d+ \w+\s+1$/);
        await page.getByText("0 questions ended without an answer").waitFor();
        await lookWithAxe(page, "quality", colorScheme === "light");
        await page.getByLabel("The last").selectOption("90 days");
        await row.waitFor();
      },
      { colorScheme },
    );
  const approver = await engine.newKey("approver", "default", { kind: "human", roles: ["approver"] });
  await signedIn(
    browser,
    { url, key: approver },
    async (page) => {
      await page.getByRole("link", { name: "Quality" }).click();
      await page.getByRole("alert").getByText("The credential does not permit this").waitFor();
    },
    { expected: [/403/] },
  );
});

test("the keys walk through lists: what is chosen stays chosen when others come before it, and Enter opens it", async () => {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(
    await openEngine({
      tools: [countingTool("take_note", "once")],
      models: answering((turn) => NOTE[turn] ?? { text: "Done." }),
      policies: policiesOf({ texts: { "test.cedar": ACT } }),
    }),
  );
  await engine.startWorker({ lookEveryMs: 100 });
  const url = await serveConsole(stack, engine);
  const { harness, caller } = engine;
  const made: string[] = [];
  for (const name of ["one", "two", "three"]) {
    const told = {
      url: `https://${name}.example.org/`,
      events: ["run.ended" as const],
      description: "",
    };
    made.push(value(await harness.webhooks.create(caller, told)).id);
  }
  const submitted: string[] = [];
  const submit = async (): Promise<void> => {
    const id = await engine.submit("Take the note hello.");
    submitted.push(id);
    await engine.reaches(id, "succeeded");
  };
  await submit();
  await submit();
  const key = await engine.newKey("ada", "default", { kind: "human", roles: ["admin"] });
  await signedIn(browser, { url, key }, async (page) => {
    const chosen = page.locator("main tr[aria-current=true]");
    const walk = async (...keys: readonly string[]): Promise<void> => {
      for (const one of keys) await page.keyboard.press(one);
    };
    await walk("g", "w");
    await page.getByRole("row", { name: "three.example.org" }).waitFor();
    const listed = value(await harness.webhooks.list(caller)).map(({ id }) => id);
    expect(listed.toSorted()).toEqual(made.toSorted());
    // Neither before the first nor behind the last.
    await walk("k", "j", "j", "j", "k", "Enter");
    await page.getByRole("heading", { name: "Messages" }).waitFor();
    expect(new URL(page.url()).hash).toBe(`#/webhooks/${listed[1]}`);
    await page.getByRole("row", { name: "msg_" }).first().waitFor();
    expect(await page.getByRole("row", { name: "msg_" }).count()).toBe(2);
    // The newest comes first: the second is of the first run.
    await walk("j", "Enter");
    await page.waitForURL((at) => at.hash === `#/runs/${submitted[0]}`);
    await walk("g", "r");
    await page.getByRole("row", { name: "Take the note" }).first().waitFor();
    const link = chosen.getByRole("link");
    await walk("j");
    expect(await link.getAttribute("href")).toBe(`#/runs/${submitted[0]}`);
    await submit();
    await until("the new one is listed", async () => {
      await page.clock.fastForward(LOOK_MS);
      return (await page.getByRole("row", { name: "Take the note" }).count()) === 3;
    });
    expect(await link.getAttribute("href")).toBe(`#/runs/${submitted[0]}`);
    await walk("k", "Enter");
    await page.waitForURL((at) => at.hash === `#/runs/${submitted[1]}`);
  });
});

test("a signing key is registered by its public half or made here, shown once, replaced and revoked; requests are signed with it", async () => {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(await openEngine());
  const url = await serveConsole(stack, engine);
  const admin = await engine.newKey("root", "default", { kind: "human", roles: ["admin"] });
  const robot = await engine.newKey("robot", "default", { kind: "service", roles: ["auditor"] });
  /** The status of a request that the robot signs. */
  const statusOf = async (key: RequestSigningKey): Promise<number> => {
    const at = `${url}/api/harness/runs`;
    const signed = signRequest({ method: "GET", url: at, headers: {} }, key);
    return (await fetch(at, { headers: { ...signed, authorization: `Bearer ${robot}` } })).status;
  };
  const pair = (): { readonly pem: string; readonly x: string; readonly privateKey: string } => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    return {
      pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
      x: publicKey.export({ format: "jwk" }).x ?? "",
      privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    };
  };
  const listed = async (): Promise<readonly SigningKey[]> =>
    value(await engine.harness.listSigningKeys(engine.caller));
  await signedIn(browser, { url, key: admin }, async (page) => {
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByText("Nobody has a signing key.").waitFor();
    // What the configuration says nothing of stays.
    await page
      .getByRole("row", { name: "Entries of the evidence no end stays evidence.retention_days" })
      .waitFor();
    await page
      .getByRole("row", { name: "Answers that are given again to the same request 2 days" })
      .waitFor();
    const [first, second] = [pair(), pair()];
    const register = page.getByRole("button", { name: "Register it" });
    await page.getByLabel("Whose").fill("robot");
    const half = page.getByRole("region", { name: "Register a signing key" }).getByLabel("Its public half");
    await half.fill(first.privateKey);
    await page.getByText("This is no public Ed25519 key.").waitFor();
    expect(await register.isEnabled()).toBe(false);
    await half.fill(first.pem);
    await register.click();
    await page.getByText("Registered: robot signs as sgk_").waitFor();
    const row = page.getByRole("row", { name: "robot" });
    const [made] = await listed();
    if (made === undefined) throw new Error("it was registered");
    const key = { id: made.id, algorithm: "ed25519" as const, privateKey: first.privateKey };
    expect(await statusOf(key)).toBe(200);
    await lookInBoth(page, "a signing key");
    await row.getByRole("button", { name: "Replace …" }).click();
    await row.getByLabel("Its public half").fill(second.x);
    await row.getByLabel("hours").fill("0");
    await lookInBoth(page, "a signing key that is replaced");
    await row.getByRole("button", { name: "Replace it" }).click();
    await row.getByText("ended").waitFor();
    const next = (await listed()).find(({ id }) => id !== made.id);
    if (next === undefined) throw new Error("it was replaced");
    expect([
      await statusOf(key),
      await statusOf({ id: next.id, algorithm: "ed25519", privateKey: second.privateKey }),
    ]).toEqual([401, 200]);

    await page.getByLabel("Whose").fill("robot");
    await page.getByLabel("hmac-sha256").check();
    await page.getByLabel("Good for so many days").fill("7");
    await register.click();
    const shown = page.getByRole("status", { name: "The new signing secret" });
    const secret = await shown.locator("code").last().innerText();
    const id = (await listed()).find(({ algorithm }) => algorithm === "hmac-sha256")?.id;
    if (id === undefined) throw new Error("it was made");
    expect(await statusOf({ id, algorithm: "hmac-sha256", secret })).toBe(200);
    await shown.getByRole("button", { name: "I have put it away" }).click();
    await shown.waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(secret);
    const hmac = page.getByRole("row", { name: id });
    await hmac.getByRole("button", { name: "Revoke …" }).click();
    await hmac.getByRole("button", { name: "Yes, at once and for good" }).click();
    await hmac.getByText("revoked").waitFor();
    expect(await statusOf({ id, algorithm: "hmac-sha256", secret })).toBe(401);
  });
  const approver = await engine.newKey("approver", "default", { kind: "human", roles: ["approver"] });
  await signedIn(
    browser,
    { url, key: approver },
    async (page) => {
      await page.getByRole("link", { name: "Settings" }).click();
      await page.getByRole("alert").getByText("The credential does not permit this").first().waitFor();
      expect(await page.getByRole("button", { name: "Register it" }).count()).toBe(0);
    },
    { expected: [/403/] },
  );
});

/** In both schemes of one visit. */
async function lookInBoth(page: Page, name: string): Promise<void> {
  await lookWithAxe(page, name, true);
  await page.emulateMedia({ colorScheme: "dark" });
  await lookWithAxe(page, `${name}, dark`, false);
  await page.emulateMedia({ colorScheme: "light" });
}

/** @returns of each secret whether the message was signed with it */
const signedWith = ({ body, headers }: Received, ...secrets: readonly string[]): readonly boolean[] =>
  secrets.map((secret) => {
    const signed = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    try {
      new Verifier(secret).verify(
        body,
        Object.fromEntries(signed.map((name) => [name, String(headers[name])])),
      );
      return true;
    } catch {
      return false;
    }
  });

const NOBODY = "Nobody is told of anything";

/** Makes one, tries it, gives it another secret. */
async function makeWebhook(page: Page, { url, received }: Receiver): Promise<void> {
  const newest = async (count: number): Promise<Received> =>
    await until(`${count} were received`, () => received[count - 1]);
  const row = page.getByRole("row", { name: url });
  const shown = page.getByRole("status", { name: "The new secret" });
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await page.getByText(NOBODY).waitFor();
  const where = page.getByLabel("Where messages are posted to");
  const about = page.getByLabel("What it is for");
  await where.fill("http://127.0.0.1:1/told");
  await about.fill("a room\u202E");
  await page.getByLabel("run.effects_left").uncheck();
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("alert").getByText("Messages are sent by https").waitFor();
  await where.fill(url);
  await page.getByRole("button", { name: "Make it" }).click();
  await row.getByText("⟨U+202E⟩").waitFor();
  expect(Math.min(...(await widthsOfNames(page)))).toBeGreaterThan(20);
  expect(await row.getByText("approval.requested, approval.decided, run.ended").count()).toBe(1);
  const secret = await shown.locator("code").innerText();
  await lookInBoth(page, "a webhook that was made");

  await page.context().grantPermissions(["clipboard-write"]);
  await shown.getByRole("button", { name: "Copy it" }).click();
  await shown.getByText("It is copied").waitFor();
  await about.press("Control+v");
  expect(await about.inputValue()).toBe(secret);
  // A page that came by plain HTTP has no clipboard.
  await page.evaluate("getSelection().removeAllRanges(); delete Navigator.prototype.clipboard");
  await shown.getByRole("button", { name: "Copy it" }).click();
  await shown.getByText("It is selected").waitFor();
  expect(await page.evaluate("getSelection().toString()")).toBe(secret);

  await row.getByRole("button", { name: "Send a ping" }).click();
  await page.getByText(/^Message msg_[0-9a-f]{32} waits to be sent/).waitFor();
  expect(signedWith(await newest(1), secret)).toEqual([true]);
  await row.getByRole("button", { name: "Replace the secret" }).click();
  await row.getByLabel("hours").fill("3");
  await row.getByRole("button", { name: "A new secret" }).click();
  await row.getByText("The secret before ends in 2 hours").waitFor();
  const replaced = await shown.locator("code").innerText();
  expect(replaced).not.toBe(secret);
  await row.getByRole("button", { name: "Send a ping" }).click();
  expect(signedWith(await newest(2), secret, replaced)).toEqual([true, true]);

  // With the page the secret goes.
  await row.getByRole("link").click();
  await page.getByRole("heading", { name: "Messages" }).waitFor();
  await page.getByRole("link", { name: "All webhooks" }).click();
  await row.waitFor();
  expect(await page.content()).not.toContain("whsec_");
}

/** Two messages were taken, one given up, 23 wait for a webhook that is off: two pages. */
async function lookAtMessages(page: Page, url: string, onEnabled: () => Promise<void>): Promise<void> {
  const webhook = page.getByRole("row", { name: url });
  const messages = page.getByRole("row", { name: "msg_" });
  const narrow = page.getByRole("navigation", { name: "Messages by state" });
  await webhook.getByText("it answered 410").waitFor();
  await webhook.getByRole("link").click();
  await page.getByRole("button", { name: "Older" }).click();
  await page.getByRole("button", { name: "Newer" }).waitFor();
  await until("the oldest stands alone", async () => ((await messages.count()) === 1 ? true : undefined));
  expect(await messages.innerText()).toMatch(/webhook\.ping.*delivered\s+1\s+answered 204/s);
  await page.getByRole("button", { name: "Newer" }).click();
  await until("the newest are there", async () => ((await messages.count()) === 25 ? true : undefined));
  await narrow.getByRole("link", { name: "dead" }).click();
  // It stands among the newest as well, until those are gone.
  await until("the dead one stands alone", async () => ((await messages.count()) === 1 ? true : undefined));
  await messages.getByText("status 500").waitFor();
  expect(await messages.innerText()).toMatch(/webhook\.ping.*dead\s+10\s+status 500\s+Send again$/s);
  await lookInBoth(page, "messages");
  await messages.getByRole("button", { name: "Send again" }).click();
  await page.getByRole("alert").getByText("The webhook is off").waitFor();
  await page.getByRole("link", { name: "All webhooks" }).click();
  await webhook.getByRole("button", { name: "Enable" }).click();
  await page.getByText("It is on").waitFor();
  await webhook.getByRole("link").click();
  await page.getByRole("button", { name: "Send all that are dead again" }).click();
  await page.getByText("1 message is sent again.").waitFor();
  await onEnabled();
  await narrow.getByRole("link", { name: "dead" }).click();
  await page.getByText("No such message").waitFor();
  await page.getByRole("link", { name: "All webhooks" }).click();
  await webhook.getByRole("button", { name: "Remove" }).click();
  await webhook.getByRole("button", { name: "No, keep it" }).click();
  await webhook.getByRole("button", { name: "Remove" }).click();
  await webhook.getByRole("button", { name: "Yes, at once and for good" }).click();
  await page.getByText(NOBODY).waitFor();
}

test("a webhook is made, its secret shown once; tried, switched on again, sent what was given up, removed; to an approver it is refused", async () => {
  let answer = 204;
  await using receiver = await startReceiver(() => answer);
  await using world = await openWorld([receiver]);
  await using stack = new AsyncDisposableStack();
  const url = await serveConsole(stack, world);
  const { harness, engine } = world;
  const webhooks = async (): Promise<readonly Webhook[]> => value(await harness.webhooks.list(engine.caller));
  world.startSender();
  const key = await engine.newKey("ada", "default", { kind: "human", roles: ["admin"] });
  await signedIn(
    browser,
    { url, key },
    async (page) => {
      await makeWebhook(page, receiver);
      const [webhook] = await webhooks();
      if (webhook === undefined) throw new Error("it was made");
      answer = 500;
      const given = await world.ping(webhook.id);
      const states = async (status: DeliveryStatus): Promise<number> =>
        (await world.deliveries(webhook.id, status)).length;
      await world.reaches("it is given up", async () => (await states("dead")) === 1);
      answer = 410;
      for (let n = 0; n < 23; n += 1) await world.ping(webhook.id);
      await world.reaches("it is off", async () => (await webhooks())[0]?.status === "off");
      answer = 204;
      await page.clock.fastForward(LOOK_MS);
      await lookAtMessages(page, receiver.url, async () => {
        await world.reaches("all are taken", async () => (await states("delivered")) === 26);
      });
      expect(receiver.received.filter(({ id }) => id === given.id)).toHaveLength(11);
      expect(await webhooks()).toEqual([]);
    },
    { expected: [/400/, /409/] },
  );
  const approver = await engine.newKey("approver", "default", { kind: "human", roles: ["approver"] });
  await signedIn(
    browser,
    { url, key: approver },
    async (page) => {
      await page.getByRole("link", { name: "Webhooks" }).click();
      const alert = page.getByRole("alert");
      await alert.getByText("The credential does not permit this").waitFor();
      // What to do is said for who sits here, and leads there.
      await alert.getByRole("link", { name: "Access" }).click();
      await page.waitForURL((at) => at.hash === "#/access");
      await page.getByRole("link", { name: "Webhooks" }).click();
      await alert.getByText("The credential does not permit this").waitFor();
      expect(await page.getByRole("button", { name: "Make it" }).count()).toBe(0);
    },
    { expected: [/403/] },
  );
});
