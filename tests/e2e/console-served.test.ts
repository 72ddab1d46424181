// How the web console is given out: the headers that keep a page's rights small, names that are never paths, and chromium as
// the judge of whether the page can live with its policy.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHarness } from "../../packages/harness/src/assemble.ts";
import { openConsole, readConsole } from "../../packages/harness/src/assemble/console.ts";
import { readEnvironment } from "../../packages/harness/src/config.ts";
import { type Fixture, expectProblem, startApi } from "../integration/api/support.ts";
import { type Browser, startBrowser } from "../support/browser.ts";
import { fillHome } from "../support/migrated-home.ts";

const built = openConsole(true);
if (built.state !== "built") throw new Error("the console was not built");
const { files } = built;
const named = (pattern: RegExp): string => {
  const name = [...files.keys()].find((each) => pattern.test(each));
  if (name === undefined) throw new Error(`no file is named like ${String(pattern)}`);
  return name;
};

let api: Fixture;
let browser: Browser;
beforeAll(async () => {
  [api, browser] = await Promise.all([startApi({}, { console: built }), startBrowser()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await api.server.close();
});

const get = async (path: string, init: RequestInit = {}): Promise<Response> =>
  await fetch(`${api.url}${path}`, { redirect: "manual", ...init });

/** Asks for the path as it stands, which `fetch` would tidy up. @returns the code of the problem that it has to be */
async function refusalOf(path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ port: api.port, path, headers }, resolve).on("error", reject).end();
  });
  const told = new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
  return expectProblem({ status: answer.statusCode ?? 0, headers: told }, await text(answer)).code;
}

const BROWSER_ACCEPTS = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

test("the page comes without a key, may do little, and is asked for again each time", async () => {
  const answer = await get("/console", { headers: { accept: BROWSER_ACCEPTS } });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('<div id="root">');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
      "require-trusted-types-for 'script'; trusted-types 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-cache",
  });
  expect(answer.headers.get("permissions-policy")).toMatch(/^(?:[a-z-]+=\(\), ){20,}[a-z-]+=\(\)$/);
  const etag = answer.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
  const again = await get("/console", { headers: { "if-none-match": etag } });
  expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
});

test("a file whose name holds its digest is kept for ever, any other is asked for again", async () => {
  const script = await get(`/console/${named(/^index-.{8}\.js$/)}`, { headers: { accept: "*/*" } });
  expect(script.status).toBe(200);
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect((await script.bytes()).length).toBe(Number(script.headers.get("content-length")));
  const icon = await get("/console/icon.svg");
  expect([icon.status, icon.headers.get("content-type"), icon.headers.get("cache-control")]).toEqual([
    200,
    "image/svg+xml",
    "no-cache",
  ]);
  // What is opened by itself has no page's rights.
  for (const { headers } of [script, icon])
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
});

test("what others wrote of it comes with their licences", async () => {
  const licences = await (await get("/console/third-party-licenses.md")).text();
  for (const name of ["react", "react-dom", "scheduler"])
    expect(licences).toMatch(new RegExp(`^## ${name} - \\d.*\\(MIT\\)$`, "m"));
});

test("HEAD says what GET says, without the body", async () => {
  for (const path of ["/console", `/console/${named(/\.js$/)}`]) {
    const [head, whole] = [await get(path, { method: "HEAD" }), await get(path)];
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    expect(ofTheFile(head)).toEqual(ofTheFile(whole));
  }
});

/** Without what a single exchange says of itself. */
function ofTheFile({ headers }: Response): Record<string, string> {
  const passing = ["connection", "date", "keep-alive", "x-request-id"];
  return Object.fromEntries([...headers].filter(([name]) => !passing.includes(name)));
}

test("a slash at the end leads to the page", async () => {
  const answer = await get("/console/");
  expect([answer.status, answer.headers.get("location")]).toEqual([308, "/console"]);
});

test.each([
  "/console/no-such-file.js",
  "/console/index.html",
  "/console/.built-from",
  "/console/package.json",
  "/console/..%2Fpackage.json",
  "/console/%2e%2e%2fpackage.json",
  "/console/..%5cpackage.json",
  "/console/%2fetc%2fpasswd",
  "/console/icon.svg%00.js",
  "/console/__proto__",
  "/console/constructor",
])("%s is nothing that the console has", async (path) => {
  expect(await refusalOf(path)).toBe("route_not_found");
});

test.each(["/console/../package.json", "/console/a/b", "//console", "/console//icon.svg", "/Console"])(
  "%s is no path of this server",
  async (path) => {
    expect(await refusalOf(path)).toBe("route_not_found");
  },
);

test("another name than the server's gets neither page nor script", async () => {
  for (const path of ["/console", `/console/${named(/\.js$/)}`]) {
    expect(await refusalOf(path, { host: "attacker.example" })).toBe("host_not_allowed");
  }
});

test("who wants no HTML is told that there is nothing else; who posts, that it is only read", async () => {
  const json = await get("/console", { headers: { accept: "application/json" } });
  expect(expectProblem(json, await json.text()).code).toBe("not_acceptable");
  for (const path of ["/console", "/console/icon.svg"]) {
    const posted = await get(path, { method: "POST" });
    expect(expectProblem(posted, await posted.text()).code).toBe("method_not_allowed");
    expect(posted.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  }
  const asked = await get("/console?next=https://attacker.example");
  expect(expectProblem(asked, await asked.text()).code).toBe("invalid_request");
});

test("an address has the page as often as anything else", async () => {
  const quota = { requests: 2, windowSeconds: 60 };
  await using few = await startApi({}, { console: built, addressQuota: quota });
  const statuses: number[] = [];
  for (const path of ["/console", "/console/icon.svg", "/console", "/api/harness/runs"])
    statuses.push((await fetch(`${few.url}${path}`)).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
});

test("what was switched off or never built is not there, and says why", async () => {
  await using off = await startApi({}, { console: openConsole(false) });
  await using none = await startApi({}, { console: readConsole("/no/such/folder") });
  for (const path of ["/console", "/console/icon.svg"]) {
    const hidden = await fetch(`${off.url}${path}`);
    const told = expectProblem(hidden, await hidden.text());
    expect([told.code, told.detail]).toEqual(["route_not_found", expect.stringContaining("switches")]);
    const missing = await fetch(`${none.url}${path}`);
    const { code, remedy } = expectProblem(missing, await missing.text());
    expect([code, remedy]).toEqual([
      "console_not_built",
      expect.stringContaining("npm run build --workspace=@assent/console"),
    ]);
  }
});

test("a whole installation serves it, says where, and serves none that its configuration does not want", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-console-"));
  try {
    // When we are root, the database's own user has to pass through.
    chmodSync(folder, 0o711);
    const home = join(folder, "home");
    mkdirSync(home, { mode: 0o711 });
    fillHome(home);
    for (const [settings, status] of [
      [{}, 200],
      [{ console: false }, 404],
    ] as const) {
      const configFile = join(folder, `${status}.json`);
      writeFileSync(configFile, JSON.stringify(settings));
      const [options, environment] = [{ home, configFile, model: null }, readEnvironment({})];
      const place = { host: "127.0.0.1", port: 0, announce: false, role: "server" } as const;
      const started = await startHarness(
        { ...options, ...place, environment, log: () => undefined },
        () => undefined,
      );
      if (!started.ok) throw new Error(`${started.error.code}: ${started.error.detail}`);
      try {
        const { url, consoleUrl } = started.value;
        expect(consoleUrl).toBe(status === 200 ? `${url}/console` : null);
        expect((await fetch(`${url}/console`)).status).toBe(status);
      } finally {
        await started.value.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("of a folder only what has a known kind is given, and nothing below it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-console-"));
  try {
    for (const name of ["index.html", "a.js", "b-BvVAw7W9.js", "c.map", ".env", "d"])
      writeFileSync(join(folder, name), name);
    mkdirSync(join(folder, "e.js"));
    const read = readConsole(folder);
    if (read.state !== "built") throw new Error(read.state);
    expect([...read.files].map(([name, { isHashed }]) => [name, isHashed])).toEqual([
      ["a.js", false],
      ["b-BvVAw7W9.js", true],
    ]);
    expect(Buffer.from(read.page.bytes).toString()).toBe("index.html");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("chromium shows the page without an error", async () => {
  await browser.visit(`${api.url}/console`, async (page) => {
    await page.locator("#root > *").first().waitFor();
  });
});

/** What no page may do, and how a visit says that it did. */
const FAULTS: readonly (readonly [string, string])[] = [
  ["console.error('told')", "console error: told"],
  ["console.warn('warned')", "console warning: warned"],
  [
    "new Promise((done) => { addEventListener('error', done); queueMicrotask(() => { throw new Error('thrown') }) })",
    "exception: thrown",
  ],
  ["fetch('/none')", "Failed to load resource: the server responded with a status of 404"],
  [
    "new Promise((done) => Object.assign(new Image(), { onerror: done, src: 'http://127.0.0.1:1/' }))",
    "a request to elsewhere: http://127.0.0.1:1/",
  ],
  ["fetch('http://127.0.0.1:1/').catch(() => 0)", "policy violated: connect-src by http://127.0.0.1:1/"],
];

test("a visit fails for each thing that no page may do, and for what was expected of it and did not come", async () => {
  const visit = browser.visit(
    `${api.url}/console`,
    async (page) => {
      for (const [script] of FAULTS) await page.evaluate(script);
    },
    { expected: [/warned/, /never/] },
  );
  const said = await visit.then(() => "nothing", String);
  for (const [, fault] of FAULTS) expect(said.includes(fault)).toBe(!fault.includes("warned"));
  expect(said).toContain("expected and did not happen: /never/");
});

/** What somebody who got a script into the page would try next, and the directive that is in the way. */
const ATTACKS: readonly (readonly [string, string])[] = [
  ["document.body.innerHTML = '<b>'", "require-trusted-types-for"],
  ["document.createElement('script').src = '/console/other.js'", "require-trusted-types-for"],
  ["trustedTypes.createPolicy('mine', {})", "trusted-types"],
  ["append('iframe').src = '/console'", "frame-src"],
  ["append('base').href = 'http://127.0.0.1:1/'", "base-uri"],
  ["append('img').src = 'http://127.0.0.1:1/'", "img-src"],
  ["document.body.setAttribute('style', 'color: red')", "style-src-attr"],
  ["fetch('http://127.0.0.1:1/').catch(() => 0)", "connect-src"],
  ["append('form').submit()", "form-action"],
];

test("chromium lets nobody do in the page what its policy forbids", async () => {
  const told = (directive: string): RegExp => new RegExp(`policy violated: ${directive} `);
  const expected = [
    ...ATTACKS.map(([, directive]) => told(directive)),
    // Chromium's own words for them, and the two requests, which it did not let out.
    /^console error: (?!policy violated)/,
    /^a request to elsewhere: http:\/\/127\.0\.0\.1:1\/$/,
  ];
  await browser.visit(
    `${api.url}/console`,
    async (page) => {
      await page.evaluate(
        "window.append = (name) => document.body.appendChild(document.createElement(name))",
      );
      for (const [attack, directive] of ATTACKS) {
        const violated = page.waitForEvent("console", (message) => told(directive).test(message.text()));
        await page.evaluate(`try { ${attack} } catch {}`);
        await violated;
      }
    },
    { expected },
  );
});
