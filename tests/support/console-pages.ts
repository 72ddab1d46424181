// The web console of a server that is really there, in a browser that is signed in.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { createServer } from "../../packages/harness/src/api/server.ts";
import { openConsole } from "../../packages/harness/src/assemble/console.ts";
import type { Browser, Visit } from "./browser.ts";
import type { Engine } from "./engine.ts";

/** What a browser leaves out where a page comes from another machine by plain HTTP. */
const AS_OVER_PLAIN_HTTP = "delete Crypto.prototype.randomUUID; delete Crypto.prototype.subtle;";
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @returns its address, without a path; it ends with the stack */
export async function serveConsole(
  stack: AsyncDisposableStack,
  { harness }: Pick<Engine, "harness">,
): Promise<string> {
  const server = await createServer(harness, { log: () => undefined, console: openConsole(true) });
  stack.defer(async () => {
    await server.close();
  });
  return (await server.listen("127.0.0.1", 0)).url;
}

/** Signs in; the page's clock is the test's from then on, the server's is not. */
export async function signedIn<T>(
  browser: Browser,
  { url, key }: { readonly url: string; readonly key: string },
  look: (page: Page) => Promise<T>,
  visit: Visit = {},
): Promise<T> {
  const begin = async (page: Page): Promise<T> => {
    await page.clock.install();
    await page.addInitScript(AS_OVER_PLAIN_HTTP);
    await page.reload();
    await page.getByLabel("Your key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    return await look(page);
  };
  return await browser.visit(`${url}/console`, begin, { viewport: { width: 1280, height: 720 }, ...visit });
}

/** How wide the names of characters that are not drawn are on the page, those that are shown: a reader has to see them. */
export async function widthsOfNames(page: Page): Promise<readonly number[]> {
  const widths: number[] = [];
  for (const name of await page.locator("main mark", { hasText: "⟨U+" }).all())
    if (await name.isVisible()) widths.push((await name.boundingBox())?.width ?? 0);
  return widths;
}

/** @param isWhole else colours alone: what is no colour is the same in every scheme */
export async function lookWithAxe(page: Page, name: string, isWhole: boolean): Promise<void> {
  // Without frames there is nothing to put together in a page of its own.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (isWhole ? axe.withTags(WCAG) : axe.withRules("color-contrast")).analyze();
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target }) => `${id}: ${target.join(" ")}`),
  );
  expect({ page: name, found }).toEqual({ page: name, found: [] });
}
