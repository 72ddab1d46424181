// Debian's chromium, driven by playwright-core. What a page must never do fails whoever visits it, whatever else was looked at:
// an error in its console, an exception, a violation of its policy, a request to anywhere but the server it came from.

import { existsSync } from "node:fs";
import { type Browser as Chromium, chromium, type BrowserContextOptions, type Page } from "playwright-core";

/** Debian's, and what machines of others have in its place (scripts/setup.mjs takes any of them). */
const CHROMIUMS = ["chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`);

const ARGUMENTS: readonly string[] = [
  // Tests run as root in containers, where chromium's own sandbox cannot be made.
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Nothing has a name: whatever the browser or a page wants of the network ends here.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** Finds what hangs, and that only; as long as `until` waits. */
const WAIT_MS_MAX = 240_000;

/** A policy's violation is no error of the page's own; it is said where errors are. */
const TELL_VIOLATIONS = `document.addEventListener("securitypolicyviolation", (event) => {
  console.error("policy violated: " + event.effectiveDirective + " by " + (event.blockedURI || "inline") + " " + event.sample);
});`;

/** Resolves once what was queued in the page, violations among it, has been carried out and told. */
const SETTLED = "new Promise((done) => setTimeout(() => setTimeout(done)))";

export type Visit = Pick<
  BrowserContextOptions,
  "viewport" | "colorScheme" | "reducedMotion" | "locale" | "timezoneId"
> & {
  /**
   * Faults that belong to the visit, such as the console's line about an answer of 401. Each has to match one that happens: what
   * is expected and does not come fails as well.
   */
  readonly expected?: readonly RegExp[];
};

export type Browser = {
  /**
   * Opens a page with a profile of its own, hands it to `look`, closes it, and rejects when the page did what none may.
   * @param url absolute, of the one server that the page may ask anything
   */
  visit<T>(url: string, look: (page: Page) => Promise<T>, visit?: Visit): Promise<T>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** One for a test file: begins in about a second. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = CHROMIUMS.find((path) => existsSync(path));
  if (executablePath === undefined)
    throw new Error(`${CHROMIUMS[0]} is missing: \`node scripts/setup.mjs --test\` installs it`);
  const chromiumHere = await chromium.launch({ executablePath, args: [...ARGUMENTS] });
  return {
    visit: async (url, look, visit = {}) => await visitPage(chromiumHere, url, look, visit),
    [Symbol.asyncDispose]: async () => {
      await chromiumHere.close();
    },
  };
}

async function visitPage<T>(
  browser: Chromium,
  url: string,
  look: (page: Page) => Promise<T>,
  { expected = [], ...options }: Visit,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const context = await browser.newContext(options);
  stack.defer(async () => {
    await context.close();
  });
  context.setDefaultTimeout(WAIT_MS_MAX);
  await context.addInitScript(TELL_VIOLATIONS);
  const page = await context.newPage();
  const faults = watch(page, new URL(url).origin);
  await page.goto(url);
  const seen = await look(page).catch((error: unknown) => {
    // What the page did wrong is the likelier cause of what was not seen on it.
    throw new Error(["the page was not as it should be", ...faults].join("\n"), { cause: error });
  });
  // What it did last may be told only after it was done. A page that is gone has nothing more to say.
  await page.evaluate(SETTLED).catch(() => undefined);
  const unexpected = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
  const missed = expected.filter((pattern) => !faults.some((fault) => pattern.test(fault)));
  if (unexpected.length + missed.length > 0)
    throw new Error(
      [...unexpected, ...missed.map((pattern) => `expected and did not happen: ${String(pattern)}`)].join(
        "\n",
      ),
    );
  return seen;
}

/** What the page does wrong from now on, one line each. */
function watch(page: Page, origin: string): readonly string[] {
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("crash", () => faults.push("the page crashed"));
  page.on("popup", (popup) => faults.push(`another window: ${popup.url()}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) faults.push(`a request to elsewhere: ${request.url()}`);
  });
  return faults;
}
