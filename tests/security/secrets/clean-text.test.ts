// Spec security 6, row secrets: at most 3 % of clean text touched. The clean text is this repository, as git lists
// it, and what else looks like secrets in every log and is none.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, inject, test } from "vitest";
import { createRedactor } from "../../../packages/harness/src/core/redact/redactor.ts";
import { drawFrom } from "../../../packages/suite/src/corpora/secrets/generate.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The spec allows 3 %; a rule that goes astray shows long before that. */
const LINES_TOUCHED_MAX = 0.005;

/** Full of made-up secrets on purpose. */
const NOT_CLEAN =
  /^(?:packages\/suite\/src\/corpora\/|packages\/harness\/src\/core\/redact\/|tests\/security\/secrets\/)/;
const TEXT = /\.(?:ts|tsx|mjs|md|json|sql|ya?ml|css|html|txt)$/;

/** The gate reads one file in so many, of every folder; the night all. */
const EVERY = inject("everyBreak") ? 1 : 4;

function repositoryFiles(): string[] {
  const listed = execFileSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" });
  return listed
    .split("\n")
    .filter((file) => TEXT.test(file) && !NOT_CLEAN.test(file))
    .filter((_, at) => at % EVERY === 0);
}

test("code, prose, lockfile and configuration of this repository stay as they are", () => {
  const redactor = createRedactor();
  const touched: string[] = [];
  let lines = 0;
  for (const file of repositoryFiles()) {
    const before = readFileSync(`${ROOT}${file}`, "utf8").split("\n");
    const after = redactor.redactText(before.join("\n")).text.split("\n");
    lines += before.length;
    const kept = new Set(after);
    for (const [at, line] of before.entries())
      if (!kept.has(line)) touched.push(`${file}:${at + 1} ${line.trim()}`);
  }
  expect(lines).toBeGreaterThan(100_000 / EVERY);
  expect(touched.length / lines <= LINES_TOUCHED_MAX ? [] : touched.slice(0, 40)).toEqual([]);
});

const draw = drawFrom("clean text");
const hex = (count: number): string => Array.from({ length: count }, () => draw(16).toString(16)).join("");
const base64 = (bytes: number): string =>
  Buffer.from(Array.from({ length: bytes }, () => draw(256))).toString("base64");
const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;

/** One row a form; each is drawn many times. */
const CLEAN: Readonly<Record<string, () => string>> = {
  "a commit": () => `commit ${hex(40)}\nAuthor: Ada <ada@example.net>`,
  "a short commit in prose": () => `Fixed in ${hex(7)}, see ${hex(40)}.`,
  "a digest": () => `sha256:${hex(64)} ${hex(64)}  dist/index.js`,
  "an image digest": () => `FROM node@sha256:${hex(64)}`,
  "an integrity hash": () => `"integrity": "sha512-${base64(64)}",`,
  "go.sum": () => `golang.org/x/net v0.1.0 h1:${base64(32)}`,
  "a UUID": () => `request ${uuid()} took 12 ms, trace_id=${hex(32)} span_id=${hex(16)}`,
  "ids of ours": () => `run_${hex(32)} waits for apr_${hex(32)} (art_${hex(32)})`,
  "an action digest": () => `"action_digest": "sha256:${hex(64)}"`,
  "an ETag": () => `etag: "${base64(16)}"`,
  "an image": () => `<img src="data:image/png;base64,iVBORw0KGgo${base64(900)}">`,
  "a font": () => `src:url(data:font/woff2;base64,${base64(1_200)})`,
  "a source map": () => `//# sourceMappingURL=data:application/json;base64,${base64(600)}`,
  "a public key": () => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${base64(32).slice(0, 43)} ada@example`,
  "a file with a digest": () => `assets/index-${hex(8)}.js assets/vendor.${hex(20)}.css`,
  "an object of a diff": () => `index ${hex(7)}..${hex(7)} 100644`,
  "minified code": () =>
    "!function(e,t){var n=e.a,r=t.b;for(var o=0;o<n.length;o++)r[o]=function(){return n[o]}}(a,b);",
  "code with the words": () =>
    "const token = await readToken(request);\nif (password !== expected.password) throw new InvalidPassword();",
  types: () => "type Login = { readonly password: string; token?: string | null; secret: Uint8Array };",
  "a schema": () => 'password: z.string().min(8), apiKey: z.string(), "token": { "type": "string" }',
  documentation: () =>
    "Set `ANTHROPIC_API_KEY=<your key>` or pass `--token $TOKEN`; `password: ********` is masked.",
  "an example": () => "export OPENAI_API_KEY=sk-your-key-here\nAPI_TOKEN=changeme\nSECRET_KEY=${SECRET_KEY}",
  "a workflow": () => "env:\n  TOKEN: ${{ secrets.DEPLOY_TOKEN }}\n  KEY: {{ .Values.key }}",
  counts: () => '{"max_tokens":4096,"input_tokens":1234567,"token_count":99,"password_min_length":12}',
  prose: () =>
    "The password was reset and the token has expired; the secret of good tea is patience. Session ended.",
  "an error": () =>
    "Error: invalid token at Parser.next (file:///srv/app/node_modules/acorn/dist/acorn.mjs:1234:15)",
  "a migration": () =>
    "CREATE TABLE api_keys (id uuid PRIMARY KEY, hash bytea NOT NULL, prefix text NOT NULL);",
  numbers: () => "1763650000000 0.1234567890123 4111 2026-11-20T11:22:33.123456Z 192.168.100.200:54321",
  "long names": () =>
    "AbstractSingletonProxyFactoryBeanDefinitionRegistryPostProcessor getElementsByTagNameNS2",
  "a URL": () => `https://docs.example.net/d/1/edit?id=${draw(1000)}&tab=overview#heading-of-this-page`,
};

test.each(Object.entries(CLEAN))("%s stays", (_, make) => {
  const redactor = createRedactor();
  for (let n = 0; n < 50; n += 1) {
    const text = make();
    expect(redactor.redactText(text).text).toBe(text);
  }
});
