// The fetcher against real servers on the loopback interface, which only this test's own permission opens.

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import { createFetcher, type FetcherOptions } from "../../../packages/harness/src/adapters/egress/fetcher.ts";
import { parseAllowlistEntry } from "../../../packages/harness/src/core/egress/allowlist.ts";
import { system, temporaryFolder } from "../../integration/files/repository.ts";
import { createFetchUrlTool } from "../../../packages/harness/src/services/tools/fetch-url.ts";

const servers: (Server | TlsServer)[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
});

async function serve(listener: RequestListener, host = "127.0.0.1"): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const NOW = new AbortController().signal;

function fetcherFor(port: number, options: Partial<FetcherOptions> = {}) {
  const entry = parseAllowlistEntry(`site.example:${port}`);
  if (!entry.ok) throw new Error(entry.error);
  return createFetcher({
    allowlist: [entry.value],
    resolve: async () => await Promise.resolve(["127.0.0.1"]),
    permitAddress: (address) => address === "127.0.0.1",
    ...options,
  });
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("asks the checked address in the name that was asked for, with fixed headers", async () => {
  const seen: unknown[] = [];
  const port = await serve((request, response) => {
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    response.setHeader("set-cookie", "a=b").end("hello");
  });
  const fetcher = fetcherFor(port);
  for (const path of ["/a?b=c#d", "/again"]) {
    const answer = await fetcher.get(`http://site.example:${port}${path}`, NOW);
    expect(answer).toMatchObject({ ok: true, value: { status: 200 } });
    if (answer.ok) expect(textOf(answer.value.body.bytes)).toBe("hello");
  }
  const headers = {
    accept: "text/html, application/json, text/plain, */*;q=0.1",
    "accept-encoding": "gzip, br",
    "user-agent": "assent",
    host: `site.example:${port}`,
    connection: "close",
  };
  expect(seen).toEqual([
    { method: "GET", url: "/a?b=c", headers },
    { method: "GET", url: "/again", headers },
  ]);
});

test("without the test's permission the loopback interface is out of reach", async () => {
  let requests = 0;
  const port = await serve((_, response) => {
    requests += 1;
    response.end();
  });
  const entries = ["site.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"].map((host) =>
    parseAllowlistEntry(`${host}:${port}`),
  );
  const allowlist = entries.flatMap((entry) => (entry.ok ? [entry.value] : []));
  expect(allowlist).toHaveLength(4);
  const fetcher = createFetcher({ allowlist, resolve: async () => await Promise.resolve(["127.0.0.1"]) });
  for (const host of ["site.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
    expect(await fetcher.get(`http://${host}:${port}/`, NOW)).toMatchObject({
      ok: false,
      error: { code: "address_forbidden" },
    });
  expect(requests).toBe(0);
});

test("the system's own resolver is held to the same rule", async () => {
  const entry = parseAllowlistEntry("localhost");
  if (!entry.ok) throw new Error(entry.error);
  const fetcher = createFetcher({ allowlist: [entry.value] });
  expect(await fetcher.get("http://localhost/", NOW)).toMatchObject({
    ok: false,
    error: { code: "address_forbidden" },
  });
});

test.each([
  [["127.0.0.1", "10.0.0.1"]],
  [["10.0.0.1", "127.0.0.1"]],
  [["127.0.0.1", "::ffff:169.254.169.254"]],
  [["127.0.0.1", "8.8.8.8", "fe80::1%lo"]],
  [["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "169.254.169.254"]],
])("one bad address of %j spoils the name", async (addresses) => {
  let requests = 0;
  const port = await serve((_, response) => {
    requests += 1;
    response.end();
  });
  const fetcher = fetcherFor(port, { resolve: async () => await Promise.resolve(addresses) });
  expect(await fetcher.get(`http://site.example:${port}/`, NOW)).toMatchObject({
    ok: false,
    error: { code: "address_forbidden" },
  });
  expect(requests).toBe(0);
});

test("a name that answers otherwise the second time is asked once, and the first answer is connected to", async () => {
  const reached: string[] = [];
  const port = await serve((request, response) => {
    reached.push(request.socket.localAddress ?? "");
    response.end("first");
  });
  const questions: string[] = [];
  const fetcher = fetcherFor(port, {
    resolve: async (host) => {
      questions.push(host);
      return await Promise.resolve([questions.length === 1 ? "127.0.0.1" : "127.0.0.2"]);
    },
  });
  expect(await fetcher.get(`http://site.example:${port}/`, NOW)).toMatchObject({ ok: true });
  expect(questions).toEqual(["site.example"]);
  expect(reached).toEqual(["127.0.0.1"]);
  // Asked again for a new request, and then the new address is judged.
  expect(await fetcher.get(`http://site.example:${port}/`, NOW)).toMatchObject({
    ok: false,
    error: { code: "address_forbidden" },
  });
  expect(reached).toEqual(["127.0.0.1"]);
});

test("off the list nothing is resolved", async () => {
  let questions = 0;
  const fetcher = fetcherFor(1, {
    resolve: async () => {
      questions += 1;
      return await Promise.resolve(["127.0.0.1"]);
    },
  });
  for (const url of ["http://evil.example:1/", "http://site.example/", "https://sub.site.example:1/"])
    expect(await fetcher.get(url, NOW)).toMatchObject({ ok: false, error: { code: "egress_denied" } });
  expect(questions).toBe(0);
});

test.each([301, 302, 303, 307, 308])("a redirect (%d) is shown and not followed", async (status) => {
  const asked: string[] = [];
  const port = await serve((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status, { location: `/next`, refresh: "0;url=/next" }).end();
  });
  const answer = await fetcherFor(port).get(`http://site.example:${port}/`, NOW);
  expect(answer).toMatchObject({ ok: true, value: { status, location: "/next" } });
  expect(asked).toEqual(["/"]);
});

// By the quickest way to make them: they are as large when they are read.
test.each([
  ["gzip", (bytes: Buffer) => gzipSync(bytes, { level: 1 })],
  ["br", (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
] as const)("a bomb of %s is cut where it is large enough", async (encoding, compress) => {
  const bomb = compress(Buffer.alloc(256 * 1024 * 1024));
  const port = await serve((_, response) => {
    response.writeHead(200, { "content-type": "text/plain", "content-encoding": encoding }).end(bomb);
  });
  const before = process.memoryUsage().arrayBuffers;
  const answer = await fetcherFor(port).get(`http://site.example:${port}/`, NOW);
  expect(answer.ok && answer.value.body.isCut).toBe(true);
  expect(answer.ok && answer.value.body.bytes.byteLength).toBe(1024 * 1024);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});

test("compressed text is read; broken compression and unknown kinds are errors", async () => {
  const port = await serve((request, response) => {
    const kind = request.url?.slice(1) ?? "";
    const body = kind === "gzip" ? gzipSync("packed") : Buffer.from("not packed at all");
    response.writeHead(200, { "content-encoding": kind === "broken" ? "gzip" : kind }).end(body);
  });
  const fetcher = fetcherFor(port);
  const packed = await fetcher.get(`http://site.example:${port}/gzip`, NOW);
  expect(packed.ok && textOf(packed.value.body.bytes)).toBe("packed");
  const broken = await fetcher.get(`http://site.example:${port}/broken`, NOW);
  expect(broken).toMatchObject({ ok: false, error: { code: "fetch_failed" } });
  const unknown = await fetcher.get(`http://site.example:${port}/zstd`, NOW);
  expect(unknown).toMatchObject({ ok: false, error: { code: "encoding_unknown" } });
});

test("an endless body is cut, an endless wait ended, a flood of headers refused", async () => {
  const port = await serve((request, response) => {
    if (request.url === "/endless") {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, "x")));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    }
    if (request.url === "/headers") response.setHeader("x-flood", "x".repeat(64 * 1024)).end();
    if (request.url === "/drip") response.writeHead(200).write("x");
  });
  const endless = await fetcherFor(port).get(`http://site.example:${port}/endless`, NOW);
  expect(endless).toMatchObject({ ok: true, value: { body: { isCut: true } } });
  const flood = await fetcherFor(port).get(`http://site.example:${port}/headers`, NOW);
  expect(flood).toMatchObject({ ok: false, error: { code: "fetch_failed" } });
  for (const path of ["/never", "/drip"]) {
    const slow = await fetcherFor(port, { timeoutMs: 300 }).get(`http://site.example:${port}${path}`, NOW);
    expect(slow).toMatchObject({ ok: false, error: { code: "fetch_timed_out" } });
  }
  const stuck = fetcherFor(port, { timeoutMs: 100, resolve: async () => await new Promise(() => undefined) });
  expect(await stuck.get(`http://site.example:${port}/`, NOW)).toMatchObject({
    ok: false,
    error: { code: "fetch_timed_out" },
  });
});

/** A certificate for a name, made by the real program, and its key. */
function certificateFor(name: string): { readonly cert: string; readonly key: string } {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  const named = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  system("openssl", ...made, ...named, "-keyout", key, "-out", cert);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

test("over TLS the name is asked for and the certificate held against it, not the address", async () => {
  const { cert, key } = certificateFor("site.example");
  const names: unknown[] = [];
  const server = createTlsServer({ cert, key }, (request, response) => {
    names.push([Reflect.get(request.socket, "servername"), request.headers.host]);
    response.end("secret");
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  const entries = ["site.example", "other.example"].map((host) => parseAllowlistEntry(`${host}:${port}`));
  const allowlist = entries.flatMap((entry) => (entry.ok ? [entry.value] : []));
  const trusting = fetcherFor(port, { allowlist, authority: cert });
  const answer = await trusting.get(`https://site.example:${port}/`, NOW);
  expect(answer.ok && textOf(answer.value.body.bytes)).toBe("secret");
  expect(names).toEqual([["site.example", `site.example:${port}`]]);
  expect(await trusting.get(`https://other.example:${port}/`, NOW)).toMatchObject({
    ok: false,
    error: { code: "fetch_failed", detail: "The request failed (ERR_TLS_CERT_ALTNAME_INVALID)." },
  });
  // Nobody's authority: what the system trusts decides, and nothing that the environment says.
  for (const environment of ["", "0"]) {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", environment);
    expect(await fetcherFor(port, { allowlist }).get(`https://site.example:${port}/`, NOW)).toMatchObject({
      ok: false,
      error: { code: "fetch_failed" },
    });
  }
  vi.unstubAllEnvs();
  expect(names).toHaveLength(1);
});

test("proxies of the environment are ignored", async () => {
  let proxied = 0;
  const proxy = await serve((_, response) => {
    proxied += 1;
    response.end("proxy");
  });
  const port = await serve((_, response) => {
    response.end("direct");
  });
  const names = ["http_proxy", "HTTP_PROXY", "all_proxy", "NODE_USE_ENV_PROXY"];
  const before = names.map((name) => process.env[name]);
  try {
    for (const name of names)
      process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : `http://127.0.0.1:${proxy}`;
    const answer = await fetcherFor(port).get(`http://site.example:${port}/`, NOW);
    expect(answer.ok && textOf(answer.value.body.bytes)).toBe("direct");
    expect(proxied).toBe(0);
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

test("an address that nobody listens on gives way to the next checked one", async () => {
  const port = await serve((_, response) => {
    response.end("second");
  });
  const fetcher = fetcherFor(port, {
    resolve: async () => await Promise.resolve(["127.0.0.9", "127.0.0.1"]),
    permitAddress: (address) => address.startsWith("127."),
  });
  const answer = await fetcher.get(`http://site.example:${port}/`, NOW);
  expect(answer.ok && textOf(answer.value.body.bytes)).toBe("second");
});

test("the tool shows the exact URL, returns text as untrusted, and no bytes that are no text", async () => {
  const port = await serve((request, response) => {
    const type = request.url === "/image" ? "image/png" : "text/html; charset=utf-8";
    response.writeHead(200, { "content-type": type }).end("<p>hi\u202e\u{e0041}</p>");
  });
  const tool = createFetchUrlTool(fetcherFor(port));
  const context = { workspace: null, effectId: `sha256:${"0".repeat(64)}`, signal: NOW } as const;
  const url = `http://SITE.example:${port}/a b`.replace(" ", "%20");
  expect(await tool.plan({ url }, context)).toEqual({
    ok: true,
    value: { summary: `Fetch http://site.example:${port}/a%20b`, preview: null, precondition: null },
  });
  expect(await tool.plan({ url: "http://evil.example/" }, context)).toMatchObject({
    ok: false,
    error: { code: "egress_denied" },
  });
  expect(await tool.execute({ url }, null, context)).toEqual({
    ok: true,
    value: {
      output: "Status 200, text/html; charset=utf-8.\n\n<p>hi\\u202e\\u{e0041}</p>",
      label: "untrusted",
    },
  });
  expect(await tool.execute({ url: `http://site.example:${port}/image` }, null, context)).toMatchObject({
    ok: false,
    error: { code: "not_text" },
  });
  expect(tool.manifest).toMatchObject({ harm: ["egress"], controlArguments: ["url"], returns: "untrusted" });
});
