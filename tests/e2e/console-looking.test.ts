// Pages of the web console that look back: what other rules would have decided, and how people decide.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, startBrowser } from "../support/browser.ts";
import { lookWithAxe, serveConsole, signedIn } from "../support/console-pages.ts";
import { answering, countingTool, openEngine, policiesOf, value } from "../support/engine.ts";

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
