// The web console as a person uses it: a real browser, a real server, real rules and a real worker behind it. Models and tools
// are scripts. What a page must never do fails every visit (support/browser.ts).

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hashOf, PAGES, PAGES_OF_ONE, type Place } from "../../packages/console/src/places.ts";
import { type Browser, startBrowser, type Visit } from "../support/browser.ts";
import { lookWithAxe, serveConsole, signedIn, widthsOfNames } from "../support/console-pages.ts";
import {
  answering,
  countingTool,
  type Engine,
  openEngine,
  policiesOf,
  type Turn,
  value,
} from "../support/engine.ts";
import { until } from "../support/until.ts";

const SHIPPED = new URL("../../packages/harness/policies/default/", import.meta.url).pathname;
/** What a stranger wrote: an account, and everything that a page could be talked into. */
const ACCOUNT = "DE02 1203 0000 0000 2020 51";
const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>[click](javascript:alert(1)) \u202Egnp.exe p\u0430ypal`;
/** More of them than are shown at once. */
const LINES = Array.from({ length: 12 }, (_, i) => `line ${i}`).join("\n");
const UNDO_MS = 5_000;
/** More than passes between two attempts. */
const PAUSE_MS = 400_000;

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
});

type Tool = ReturnType<typeof countingTool>;

function readingTool(text: string): Tool {
  const tool = countingTool("find_order", "none");
  return {
    ...tool,
    execute: async () => await Promise.resolve({ ok: true, value: { output: text, label: "untrusted" } }),
  };
}

type PayingTool = Tool & { readonly paid: unknown[] };

const payingTool = (): PayingTool => {
  const tool = countingTool("pay_back", "once");
  const paid: unknown[] = [];
  return {
    ...tool,
    paid,
    execute: async (args, ...rest) => {
      paid.push(args);
      return await tool.execute(args, ...rest);
    },
    manifest: { ...tool.manifest, harm: ["money"], controlArguments: ["account", "amount"] },
    plan: async () =>
      await Promise.resolve({ ok: true, value: { summary: "Pay back", preview: null, precondition: null } }),
  };
};

const noting = (): Tool => {
  const tool = countingTool("take_note", "once");
  return { ...tool, manifest: { ...tool.manifest, controlArguments: [] } };
};

const REFUND: readonly Turn[] = [
  { calls: [{ id: "c1", tool: "find_order", arguments: {} }] },
  {
    text: HOSTILE,
    calls: [
      {
        id: "c2",
        tool: "pay_back",
        arguments: { account: ACCOUNT, amount: 12.5, note: HOSTILE, lines: LINES },
      },
    ],
  },
  { text: "Done." },
];

type Served = {
  readonly engine: Engine;
  readonly url: string;
  readonly pay: PayingTool;
  readonly key: string;
};

async function serve(
  stack: AsyncDisposableStack,
  turns: readonly Turn[] = REFUND,
  policies = policiesOf({ folder: SHIPPED }),
  models = answering((turn) => turns[turn] ?? { text: "Done." }),
): Promise<Served> {
  const pay = payingTool();
  const engine = stack.use(
    await openEngine({
      tools: [readingTool(`${ACCOUNT} and 12.5 ${HOSTILE}`), pay, noting()],
      models,
      policies,
    }),
  );
  await engine.startWorker({ lookEveryMs: 100 });
  const url = await serveConsole(stack, engine);
  return {
    engine,
    url,
    pay,
    key: await engine.newKey("approver", "default", { kind: "human", roles: ["approver"] }),
  };
}

const asApprover = async <T>(
  served: Pick<Served, "url" | "key">,
  look: (page: Page) => Promise<T>,
  visit: Visit = {},
): Promise<T> => await signedIn(browser, served, look, visit);

async function openQuestion(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name }).click();
  await page.getByRole("heading", { name, level: 2 }).waitFor();
  // What comes up under a finger that was on its way to something else is not decided by it.
  await page.clock.fastForward(1_000);
}

const goTo = async (page: Page, hash: string): Promise<void> => {
  await page.goto(`${page.url().replace(/#.*/, "")}${hash}`);
};

test("what untrusted text chose is checked value by value; then a key approves, the call is made once, as it was shown", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const id = await served.engine.submit("Pay the order back.");
  await served.engine.reaches(id, "awaiting_approval");
  await asApprover(served, async (page) => {
    await openQuestion(page, "Pay back");
    expect(await page.getByText("High risk: spends money, once").count()).toBe(1);
    // The rule that asks can be read, and the question is found again as it was.
    await page.getByRole("link", { name: "untrusted-control" }).click();
    await page.getByText('@id("untrusted-control")').waitFor();
    expect(await page.getByText('@id("read")').isVisible()).toBe(false);
    await page.goBack();
    await page.getByRole("heading", { name: "Pay back", level: 2 }).waitFor();
    await page.clock.fastForward(1_000);
    await page.keyboard.press("a");
    await page.getByText("Check the 4 marked values first.").waitFor();
    for (const box of await page.getByLabel("I have checked this value").all()) await box.check();
    await page.getByRole("heading", { level: 2 }).click();
    await page.keyboard.press("a");
    await page.getByRole("button", { name: "Undo" }).waitFor();
    expect((await served.engine.run(id)).status).toBe("awaiting_approval");
    await page.clock.fastForward(UNDO_MS);
    await page.getByText("approved.").waitFor();
    await page.getByRole("link", { name: "Follow the run" }).click();
    await until("the page shows the end by itself", async () => {
      await page.clock.fastForward(15_000);
      return await page.locator(".title").getByText("succeeded").isVisible();
    });
  });
  expect(served.pay.effects).toHaveLength(1);
  const approval = (await served.engine.run(id)).approvals[0];
  expect([approval?.status, approval?.decided_by?.name]).toEqual(["spent", "approver"]);
});

test("what is taken back within five seconds is never sent; a no needs its reason, which the agent is told", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const id = await served.engine.submit("Pay the order back.");
  await served.engine.reaches(id, "awaiting_approval");
  await asApprover(served, async (page) => {
    await openQuestion(page, "Pay back");
    await page.keyboard.press("d");
    await page.getByText("A no needs its reason").waitFor();
    // The field has the keys now: they are letters, and no verbs.
    await page.keyboard.type("a d: not this account");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.clock.fastForward(UNDO_MS - 1_000);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.clock.fastForward(10 * UNDO_MS);
    expect((await served.engine.run(id)).approvals[0]?.status).toBe("open");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.clock.fastForward(UNDO_MS);
    await page.getByText("denied.").waitFor();
  });
  const run = await served.engine.reaches(id, "succeeded");
  expect(run.approvals[0]?.comment).toBe("a d: not this account");
  expect(served.pay.effects).toHaveLength(0);
});

test("what strangers wrote is shown letter by letter and does nothing, and what cannot be seen is named", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const id = await served.engine.submit(HOSTILE);
  await served.engine.reaches(id, "awaiting_approval");
  await asApprover(served, async (page) => {
    await openQuestion(page, "Pay back");
    for (const place of [null, `#/runs/${id}/steps/2`]) {
      if (place !== null) {
        await goTo(page, place);
        await page.getByText("Steps").waitFor();
      }
      const shown = await page.locator("main").innerText();
      expect(shown).toContain(`<img src=x onerror="document.title='owned'">`);
      expect(shown).toContain("⟨U+202E⟩");
      const widths = await widthsOfNames(page);
      expect(widths.length).toBeGreaterThan(0);
      expect(Math.min(...widths)).toBeGreaterThan(20);
      expect(shown).toContain("letters of several scripts");
      expect(await page.title()).toBe("Assent");
      // Nothing of it became a part of the page.
      expect(await page.locator("main img, main script, main a[href*=javascript]").count()).toBe(0);
    }
  });
});

/** A place of each page that is about one thing: without one here, the page was forgotten. */
type PlacesOfOne = { readonly [P in (typeof PAGES_OF_ONE)[number]["page"]]: Place };

test.each(["light", "dark"] as const)(
  "every page is free of what axe finds, and a question can be decided without scrolling: %s",
  async (colorScheme) => {
    await using stack = new AsyncDisposableStack();
    const served = await serve(stack);
    const looker = await served.engine.newKey("looker", "default", { kind: "human", roles: ["admin"] });
    const id = await served.engine.submit("Pay the order back.");
    const [approval] = (await served.engine.reaches(id, "awaiting_approval")).approvals;
    if (approval === undefined) throw new Error("nothing waits");
    const { harness, caller } = served.engine;
    const told = { url: "https://hooks.example.org/told", events: ["run.ended" as const], description: "" };
    const webhook = value(await harness.webhooks.create(caller, told));
    value(await harness.webhooks.ping(caller, webhook.id));
    const places: PlacesOfOne = {
      approval: { page: "approval", id: approval.id },
      run: { page: "run", id, step: 2 },
      webhook: { page: "webhook", id: webhook.id, status: "" },
    };
    const seen: string[] = [];
    const look = async (page: Page, name: string): Promise<void> => {
      await page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
      // A page may ask for several things.
      await until(
        "all of it is there",
        async () => (await page.getByText("Asking the server").count()) === 0,
      );
      await lookWithAxe(page, name, colorScheme === "light");
      seen.push(name);
    };
    await browser.visit(
      `${served.url}/console`,
      async (page) => {
        await page.getByLabel("Your key").waitFor();
        await lookWithAxe(page, "sign in", colorScheme === "light");
      },
      { colorScheme },
    );
    await asApprover(
      { url: served.url, key: looker },
      async (page) => {
        await openQuestion(page, "Pay back");
        for (const part of [
          page.locator(".decision"),
          page.locator(".risk"),
          page.locator(".arguments thead"),
        ]) {
          const box = await part.boundingBox();
          expect(box === null ? Number.NaN : box.y + box.height).toBeLessThanOrEqual(720);
        }
        for (const { name, key } of PAGES) {
          await page.keyboard.press("g");
          await page.keyboard.press(key);
          await look(page, name);
        }
        for (const { page: one, name, under } of PAGES_OF_ONE) {
          await goTo(page, hashOf(places[one]));
          await look(page, name);
          // The bar says of whose kind it is.
          const current = page.getByRole("navigation", { name: "Pages" }).locator("[aria-current]");
          expect(await current.allInnerTexts()).toEqual(
            PAGES.filter((each) => each.page === under).map((each) => each.name),
          );
        }
      },
      { colorScheme },
    );
    expect(seen).toEqual([...PAGES, ...PAGES_OF_ONE].map(({ name }) => name));
  },
);

test("a server that is not heard of: it is said, nothing can be decided, and it goes on by itself", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const id = await served.engine.submit("Pay the order back.");
  await served.engine.reaches(id, "awaiting_approval");
  await asApprover(
    served,
    async (page) => {
      await openQuestion(page, "Pay back");
      const deny = page.getByRole("button", { name: "Deny" });
      expect(await deny.isEnabled()).toBe(true);
      await page.context().setOffline(true);
      const said = page.getByText("The server is not heard of. What is shown may be old");
      await until("it is said", async () => {
        // An answer that was under way may come late, and counts.
        await page.clock.fastForward(31_000);
        return await said.isVisible();
      });
      expect(await deny.isEnabled()).toBe(false);
      await page.context().setOffline(false);
      await until("it is heard of again", async () => {
        await page.clock.fastForward(5_000);
        return await deny.isEnabled();
      });
    },
    { expected: [/ERR_INTERNET_DISCONNECTED/] },
  );
});

test("a key is asked for, kept in the tab alone, and gone with it; a wrong one is told so", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const look = async (page: Page): Promise<void> => {
    await page.getByLabel("Your key").fill("ak_wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("No valid key was presented").waitFor();
    await page.getByLabel("Your key").fill(served.key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Nothing waits for a person.").waitFor();
    await page.reload();
    await page.getByText("Nothing waits for a person.").waitFor();
    expect(page.url()).not.toContain(served.key);
    expect(await page.context().cookies()).toEqual([]);
    expect(await page.evaluate("localStorage.length")).toBe(0);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByLabel("Your key").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Your key").waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  };
  await browser.visit(`${served.url}/console`, look, { expected: [/401/] });
});

test("an answer that is remembered answers the next run, is listed with its use, and can be taken back", async () => {
  await using stack = new AsyncDisposableStack();
  const ASKING = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
    },
  });
  const note = [{ calls: [{ id: "c1", tool: "take_note", arguments: { text: "hello" } }] }];
  const served = await serve(stack, note, ASKING);
  const id = await served.engine.submit("Take the note hello.");
  await served.engine.reaches(id, "awaiting_approval");
  await asApprover(served, async (page) => {
    await page.locator("tbody a").first().click();
    await page.getByRole("button", { name: "Approve once" }).waitFor();
    await page.clock.fastForward(1_000);
    await page.getByLabel("The same answer to exactly this question").check();
    for (const box of await page.getByLabel("I have checked this value").all()) await box.check();
    await page.getByRole("button", { name: "Approve once" }).click();
    await page.clock.fastForward(UNDO_MS);
    await page.getByText("approved.").waitFor();
    await served.engine.reaches(id, "succeeded");
    const second = await served.engine.submit("Take the note hello.");
    expect((await served.engine.reaches(second, "succeeded", "awaiting_approval")).status).toBe("succeeded");
    await page.getByRole("link", { name: "Precedents" }).click();
    await page.getByText("1 times").waitFor();
    await page.getByRole("button", { name: "Revoke …" }).click();
    await page.getByLabel("Why").fill("notes are read first");
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByText("revoked: notes are read first").waitFor();
  });
  const third = await served.engine.submit("Take the note hello.");
  expect((await served.engine.reaches(third, "succeeded", "awaiting_approval")).status).toBe(
    "awaiting_approval",
  );
});

test("beside a call stands the closest one that was answered before: its values, why it was agreed to, what differs", async () => {
  await using stack = new AsyncDisposableStack();
  const asking = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
    },
  });
  const wanted = [
    { text: `\u202Ehello ${HOSTILE} Ann \u202E`, of: { more: 1 } },
    { text: "\u202Ehello Ben \u202E", of: { other: true } },
  ];
  let submitted = -1;
  const models = answering((turn) => {
    if (turn > 0) return { text: "Done." };
    submitted += 1;
    return { calls: [{ id: "c1", tool: "take_note", arguments: wanted[submitted] ?? {} }] };
  });
  const served = await serve(stack, [], asking, models);
  const first = await served.engine.submit("Take the note.");
  const [before] = (await served.engine.reaches(first, "awaiting_approval")).approvals;
  if (before === undefined) throw new Error("nothing waits");
  const approver = await served.engine.newCaller("ann", "default", "human");
  value(
    await served.engine.harness.decide(approver, {
      approval_id: before.id,
      decision: "approve",
      action_digest: before.action_digest,
      comment: "Greetings are fine.",
      remember: true,
    }),
  );
  await served.engine.reaches(first, "succeeded");
  const id = await served.engine.submit("Take the note.");
  await served.engine.reaches(id, "awaiting_approval");
  const look = async (page: Page, colorScheme: string): Promise<void> => {
    await page.locator("tbody a").first().click();
    await page.getByRole("columnheader", { name: "Then (closest earlier answer; advice only)" }).waitFor();
    const cells = await page.locator(".arguments .then").allInnerTexts();
    // What both begin and end with is named as what differs is.
    expect(cells[0]?.split("⟨U+202E⟩")).toHaveLength(4);
    expect(cells[0]).toContain("letters of several scripts");
    expect(cells[0]).toContain("chosen by");
    expect(cells[1]).toBe("none");
    const advice = page.getByRole("region", { name: "Earlier answers" });
    expect(await advice.innerText()).toContain("as advice only: none of it decides this call");
    expect(await advice.innerText()).toContain("Greetings are fine.");
    expect(await advice.innerText()).toContain(
      "What differs: other values: /text; new: /of/other; left out: /of/more",
    );
    await lookWithAxe(page, "an approval with an earlier one", colorScheme === "light");
    // What an approver writes in its place was compared with nothing.
    await page.getByRole("button", { name: "Change the arguments" }).click();
    await page.getByLabel("The arguments, as JSON").fill('{"text":"mine","of":{}}');
    await page.locator(".arguments .then").first().waitFor({ state: "detached" });
    await page.getByRole("link", { name: "The question then" }).click();
    await page.waitForURL((url) => url.hash.includes(before.id));
  };
  for (const colorScheme of ["light", "dark"] as const)
    await asApprover(
      served,
      async (page) => {
        await look(page, colorScheme);
      },
      { colorScheme },
    );
});

function edited(text: string, change: Readonly<Record<string, unknown>>): string {
  const before: unknown = JSON.parse(text);
  return JSON.stringify(Object.assign({}, before, change));
}

test("a call that is changed is shown value by value as it will be sent, and is carried out like that and no other", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const id = await served.engine.submit("Pay the order back.");
  await served.engine.reaches(id, "awaiting_approval");
  await asApprover(served, async (page) => {
    await openQuestion(page, "Pay back");
    await page.getByRole("button", { name: "Change the arguments" }).click();
    const field = page.getByLabel("The arguments, as JSON");
    const asked = await field.inputValue();
    await field.fill("[1]");
    await page.getByText("This is no JSON object.").waitFor();
    await page.getByRole("button", { name: "Approve once" }).click();
    await page.getByText("The changed arguments are no JSON object").waitFor();
    await field.fill(edited(asked, { amount: 10, note: undefined }));
    await page.getByRole("row", { name: "/amount 10 you, just now" }).waitFor();
    await page.getByText("Left out: /note").waitFor();
    // Of what the approver wrote nothing has to be checked; of what they left as it was, all.
    await page.getByRole("button", { name: "Approve as changed" }).click();
    await page.getByText("Check the 2 marked values first.").waitFor();
    for (const box of await page.getByLabel("I have checked this value").all()) await box.check();
    await page.getByRole("button", { name: "Approve as changed" }).click();
    await page.getByRole("button", { name: "Undo" }).waitFor();
    // Whoever goes on writing has not said yes to that.
    await field.fill(edited(asked, { amount: 11, note: undefined }));
    await page.getByRole("button", { name: "Approve as changed" }).waitFor();
    await page.clock.fastForward(2 * UNDO_MS);
    expect((await served.engine.run(id)).status).toBe("awaiting_approval");
    await page.getByRole("button", { name: "Approve as changed" }).click();
    await page.clock.fastForward(UNDO_MS);
    await page.getByText("approved.").waitFor();
  });
  await served.engine.reaches(id, "succeeded");
  expect(served.pay.paid).toEqual([{ account: ACCOUNT, amount: 11, lines: LINES }]);
});

test("what a dead run left is settled with a comment; it is redriven only by who says that they have looked", async () => {
  await using stack = new AsyncDisposableStack();
  const PERMITTING = policiesOf({
    texts: { "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);` },
  });
  const note = [{ calls: [{ id: "c1", tool: "take_note", arguments: { text: "hello" } }] }];
  const scripted = answering((turn) => note[turn] ?? { text: "Done." });
  let isBroken = true;
  const models: typeof scripted = {
    ...scripted,
    call: async (call, signal) => {
      if (isBroken && call.messages.length > 1) throw new TypeError("a bug of ours");
      return await scripted.call(call, signal);
    },
  };
  const served = await serve(stack, note, PERMITTING, models);
  const id = await served.engine.submit("Take the note hello.");
  await served.engine.reachesWhile(
    id,
    async () => {
      // Between two attempts: one that is under way would be taken for lost, and its call for one in doubt.
      const { status, attempt } = await served.engine.run(id);
      if (status === "queued" && attempt > 0) served.engine.clock.advance(PAUSE_MS);
    },
    "dead_lettered",
  );
  isBroken = false;
  const key = await served.engine.newKey("ann", "default", {
    kind: "human",
    roles: ["approver", "requester"],
  });
  await asApprover(
    { url: served.url, key },
    async (page) => {
      // Found by what one knows of it: its agent, which no other has, or its id.
      await page.keyboard.press("g");
      await page.keyboard.press("r");
      await page.getByRole("link", { name: "Take the note hello." }).waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("nobody");
      await page.keyboard.press("Enter");
      await page.getByText("No such run.").waitFor();
      await page.getByRole("searchbox").fill("tester");
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "Take the note hello." }).waitFor();
      await page.getByRole("searchbox").fill(id);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Run", exact: true }).waitFor();
      await page.getByRole("link", { name: "Escalations" }).click();
      await page.getByText("what a run left").waitFor();
      await page.getByRole("button", { name: "Settle …" }).click();
      await page.getByLabel("What was done about it").fill("the note was torn up");
      await page.getByRole("button", { name: "Settle it" }).click();
      await page.getByText("No question is open.").waitFor();
      await page.getByRole("link", { name: "resolved" }).click();
      await page.getByRole("row", { name: "settled by ann now: the note was torn up" }).waitFor();
      await page.getByRole("link", { name: id }).click();
      await page.getByRole("button", { name: "Redrive it …" }).click();
      await page.getByRole("button", { name: "Yes, as a new run" }).click();
      await page.getByRole("button", { name: "Redrive it although something it did stands …" }).click();
      await page.getByRole("button", { name: "I have looked: it may happen again" }).click();
      await page.waitForURL((url) => /run_/.test(url.hash) && !url.hash.includes(id));
    },
    { expected: [/409/] },
  );
  const { data } = value(
    await served.engine.harness.listRuns(served.engine.caller, {
      limit: 10,
      cursor: null,
      states: null,
      agent: null,
      label: null,
    }),
  );
  expect(data.map(({ redrive_of }) => redrive_of)).toEqual([id, undefined]);
});

test("a key is made, shown once, replaced and revoked; what it permits is what was said", async () => {
  await using stack = new AsyncDisposableStack();
  const served = await serve(stack);
  const admin = await served.engine.newKey("root", "default", { kind: "human", roles: ["admin"] });
  const statusOf = async (secret: string, path: string): Promise<number> =>
    (await fetch(`${served.url}/api/harness/${path}`, { headers: { authorization: `Bearer ${secret}` } }))
      .status;
  await asApprover({ url: served.url, key: admin }, async (page) => {
    await page.getByRole("link", { name: "Access" }).click();
    await page.getByLabel("Whose").fill("ben");
    await page.getByLabel("auditor").check();
    await page.getByLabel("approver").uncheck();
    await page.getByRole("button", { name: "Make it" }).click();
    const shown = page.getByRole("status", { name: "The new key" });
    const first = await shown.locator("code").innerText();
    expect([await statusOf(first, "runs"), await statusOf(first, "keys")]).toEqual([200, 200]);
    await page.getByRole("button", { name: "I have put it away" }).click();
    await shown.waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(first);
    const row = page.getByRole("row", { name: "ben" }).filter({ hasText: "auditor" });
    await row.getByRole("button", { name: "Replace …" }).click();
    await row.getByRole("button", { name: "A new key; this one ends in a day" }).click();
    const second = await shown.locator("code").innerText();
    expect(second).not.toBe(first);
    expect([await statusOf(first, "runs"), await statusOf(second, "runs")]).toEqual([200, 200]);
    const good = row.filter({ has: page.getByRole("button", { name: "Revoke …" }) });
    for (const left of [1, 0]) {
      await good.first().getByRole("button", { name: "Revoke …" }).click();
      await row.getByRole("button", { name: "Yes, at once and for good" }).click();
      await until("it is said to be revoked", async () => (await good.count()) === left);
    }
    expect(await row.getByText("revoked").count()).toBe(2);
    expect([await statusOf(first, "runs"), await statusOf(second, "runs")]).toEqual([401, 401]);
  });
});
