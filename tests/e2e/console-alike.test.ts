// Several calls that ask a person the very same thing, in the web console: answered at once, each by its own decision.

import type { Approval, ApprovalId, RunId } from "@assent/contract";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, startBrowser } from "../support/browser.ts";
import { lookWithAxe, serveConsole, signedIn } from "../support/console-pages.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../support/engine.ts";
import { until } from "../support/until.ts";

const UNDO_MS = 5_000;
/** As often as the page looks. */
const LOOK_MS = 5_000;
const COPIES = 4;

const RULES = `@id("act") permit (principal, action == Action::"call", resource);
  @id("ask") @needs_approval @separate_duties forbid (principal, action == Action::"call", resource == Tool::"take_note");
  @id("pay") @needs_approval forbid (principal, action == Action::"call", resource == Tool::"pay_back");
  @id("two") @needs_approval @quorum("2") forbid (principal, action == Action::"call", resource == Tool::"agree");`;

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
});

const noting = (name: string, effect: "idempotent" | "once"): ReturnType<typeof countingTool> => {
  const tool = countingTool(name, effect);
  return { ...tool, manifest: { ...tool.manifest, controlArguments: [] } };
};

type Asked = { readonly run: RunId; readonly approval: ApprovalId };

/** Runs that each ask for what the task says: `<tool>: <text>`. */
async function open(
  stack: AsyncDisposableStack,
): Promise<{ engine: Engine; tools: readonly ReturnType<typeof countingTool>[]; url: string }> {
  const tools = [
    noting("take_note", "idempotent"),
    noting("pay_back", "once"),
    noting("agree", "idempotent"),
  ];
  const scripted = answering(() => ({ text: "Done." }));
  const engine = stack.use(
    await openEngine({
      tools,
      policies: policiesOf({ texts: { "test.cedar": RULES } }),
      models: {
        ...scripted,
        call: async (call, signal) => {
          const task = JSON.stringify(call.messages);
          const [, tool = "", text = ""] = /(take_note|pay_back|agree): (\w+)/.exec(task) ?? [];
          const turns = answering((turn) =>
            turn === 0 ? { calls: [{ id: "c1", tool, arguments: { text } }] } : { text: "Done." },
          );
          return await turns.call(call, signal);
        },
      },
    }),
  );
  await engine.startWorker({ lookEveryMs: 100 });
  return { engine, tools, url: await serveConsole(stack, engine) };
}

async function asked(
  engine: Engine,
  task: string,
  submit = async (): Promise<RunId> => await engine.submit(task),
): Promise<Asked> {
  const run = await submit();
  const [approval] = (await engine.reaches(run, "awaiting_approval")).approvals;
  if (approval === undefined) throw new Error("nobody is asked");
  return { run, approval: approval.id };
}

const section = (page: Page): Locator => page.getByRole("region", { name: "The same is asked elsewhere" });
const together = (page: Page): Locator => page.getByRole("group", { name: "Who else is answered" });

async function openApproval(page: Page, { approval }: Asked): Promise<void> {
  await page.goto(`${page.url().replace(/#.*/, "")}#/approvals/${approval}`);
  await page.getByText(approval, { exact: true }).waitFor({ state: "attached" });
  await page
    .getByRole("button", { name: /^(?:Approve|Deny)/ })
    .first()
    .waitFor();
  await page.clock.fastForward(1_000);
}

test("one yes to several that ask the same is sent to each, taken back for all, and refused of single ones one by one", async () => {
  await using stack = new AsyncDisposableStack();
  const { engine, tools, url } = await open(stack);
  const ann = await engine.newCaller("ann", "default", "human");
  const key = await engine.newKey("ann", "default", { kind: "human", roles: ["approver"] });
  const alike: Asked[] = [];
  for (let n = 0; n < COPIES; n += 1) alike.push(await asked(engine, "take_note: hello"));
  const [shown, answered, good, late] = alike;
  if (shown === undefined || answered === undefined || good === undefined || late === undefined)
    throw new Error("they are asked");
  // Whoever asks for a run may not say yes to it by this rule.
  const hers = await asked(engine, "take_note: hello", async () => {
    const made = await engine.harness.submitRun(ann, { agent: "tester", task: "take_note: hello" }, "hers");
    return value(made).runId;
  });
  const different = await asked(engine, "take_note: bye");
  const statusOf = async ({ run }: Asked): Promise<string | undefined> =>
    (await engine.run(run)).approvals[0]?.status;
  await signedIn(
    browser,
    { url, key },
    async (page) => {
      await page.getByText("asked 5 times alike").first().waitFor();
      expect(await page.getByText("asked 5 times alike").count()).toBe(5);
      await openApproval(page, different);
      await page.clock.fastForward(LOOK_MS);
      expect(await section(page).count()).toBe(0);
      await openApproval(page, shown);
      await section(page).getByText("4 other calls ask exactly the same").waitFor();
      expect(await section(page).getByRole("row", { name: "take_note: hello" }).count()).toBe(4);
      await together(page).getByLabel("The 4 others that ask exactly this, as well").check();
      await page.getByText("An answer to several is good for these alone").waitFor();
      const bar = await page.locator(".decision").boundingBox();
      expect(bar === null ? Number.NaN : bar.y + bar.height).toBeLessThanOrEqual(720);
      await lookWithAxe(page, "several at once", true);
      await page.emulateMedia({ colorScheme: "dark" });
      await lookWithAxe(page, "several at once, dark", false);
      // What comes later was not meant.
      const since = await asked(engine, "take_note: hello");
      await until("the new one is seen", async () => {
        await page.clock.fastForward(LOOK_MS);
        return await together(page).getByText("1 more came since").isVisible();
      });
      await page.getByRole("button", { name: "Approve all 5 once" }).click();
      await page.getByRole("button", { name: "Undo: Approve all 5 once" }).waitFor();
      await page.clock.fastForward(UNDO_MS - 1_000);
      await page.keyboard.press("u");
      await page.clock.fastForward(10 * UNDO_MS);
      for (const one of [...alike, hers, since]) expect(await statusOf(one)).toBe("open");

      await page.getByRole("button", { name: "Approve all 5 once" }).click();
      await page.getByRole("button", { name: "Undo: Approve all 5 once" }).waitFor();
      await engine.harness.decide(ann, {
        approval_id: answered.approval,
        decision: "deny",
        comment: "Not this one.",
      });
      await page.clock.fastForward(UNDO_MS);
      await page.getByText("approved. Follow the run").waitFor();
      const told = page.getByRole("list", { name: "What came of the others" }).getByRole("listitem");
      await until("all are told of", async () => (await told.count()) === 4);
      const ofOne = async ({ approval }: Asked): Promise<string> =>
        await told.filter({ hasText: approval.slice(-6) }).innerText();
      expect(await ofOne(answered)).toMatch(/It is denied, decided by ann\. Nothing was changed/);
      expect(await ofOne(hers)).toMatch(/another pair of eyes/i);
      for (const one of [good, late]) expect(await ofOne(one)).toMatch(/approved$/);
      await lookWithAxe(page, "several were answered", true);
      expect(await statusOf(since)).toBe("open");
    },
    { expected: [/40[39]/] },
  );
  for (const one of [shown, good, late]) await engine.reaches(one.run, "succeeded");
  expect(tools[0]?.effects).toHaveLength(3);
  expect(await statusOf(hers)).toBe("open");
  expect(await statusOf(different)).toBe("open");
});

test("where the server stops answering, it is said which were not sent, and which may have been taken", async () => {
  await using stack = new AsyncDisposableStack();
  const { engine, url } = await open(stack);
  const key = await engine.newKey("ann", "default", { kind: "human", roles: ["approver"] });
  const [shown, second, third] = [
    await asked(engine, "take_note: hello"),
    await asked(engine, "take_note: hello"),
    await asked(engine, "take_note: hello"),
  ];
  await signedIn(
    browser,
    { url, key },
    async (page) => {
      await openApproval(page, shown);
      await together(page).getByRole("checkbox").check();
      await page.getByRole("button", { name: "Approve all 3 once" }).click();
      let posted = 0;
      await page.route("**/api/harness/approve", async (route) => {
        posted += 1;
        if (posted === 1) await route.continue();
        else await route.abort();
      });
      await page.clock.fastForward(UNDO_MS);
      await page.getByText("approved. Follow the run").waitFor();
      await page.getByText("was sent, and the server did not answer").waitFor();
      expect(await page.getByText("was not sent, since the server did not answer").count()).toBe(1);
      expect(posted).toBe(2);
    },
    { expected: [/ERR_FAILED/] },
  );
  await engine.reaches(shown.run, "succeeded");
  for (const { run } of [second, third]) expect((await engine.run(run)).approvals[0]?.status).toBe("open");
});

test("one no goes to each with its reason; one of several people's yes is counted of each; what is grave is asked one by one", async () => {
  await using stack = new AsyncDisposableStack();
  const { engine, url } = await open(stack);
  const key = await engine.newKey("ann", "default", { kind: "human", roles: ["approver"] });
  const [note, otherNote, agree, otherAgree, pay] = [
    await asked(engine, "take_note: hello"),
    await asked(engine, "take_note: hello"),
    await asked(engine, "agree: yes"),
    await asked(engine, "agree: yes"),
    await asked(engine, "pay_back: all"),
    await asked(engine, "pay_back: all"),
  ];
  const approvalOf = async ({ run }: Asked): Promise<Approval | undefined> =>
    (await engine.run(run)).approvals[0];
  await signedIn(browser, { url, key }, async (page) => {
    // What the inbox says of the others it would say of these.
    const rows = (text: string): Locator => page.getByRole("row", { name: `{"text":"${text}"}` });
    await rows("hello").getByText("asked 2 times alike").first().waitFor();
    expect([await rows("all").count(), await rows("all").getByText("alike").count()]).toEqual([2, 0]);
    await openApproval(page, note);
    await together(page).getByLabel("The other one that asks exactly this, as well").check();
    await page.keyboard.press("Tab");
    await page.getByLabel("Reason").fill("nobody reads notes");
    await page.getByRole("button", { name: "Deny all 2" }).click();
    await page.clock.fastForward(UNDO_MS);
    await page.getByText("denied. Follow the run").waitFor();
    await openApproval(page, agree);
    await together(page).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Approve all 2 once" }).click();
    await page.clock.fastForward(UNDO_MS);
    await page.getByText("Counted: 1 of 2. Others have to agree as well.").waitFor();
    await page.getByRole("listitem").getByText("Counted: 1 of 2.").waitFor();
    await openApproval(page, pay);
    await page.clock.fastForward(2 * LOOK_MS);
    await page.getByRole("button", { name: "Approve once" }).waitFor();
    expect([await section(page).count(), await together(page).count()]).toEqual([0, 0]);
  });
  for (const one of [note, otherNote])
    expect(await approvalOf(one)).toMatchObject({ status: "denied", comment: "nobody reads notes" });
  for (const one of [agree, otherAgree])
    expect(await approvalOf(one)).toMatchObject({ status: "open", votes: 1 });
});
