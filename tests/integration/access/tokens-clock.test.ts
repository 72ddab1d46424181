// The machine's clock is set ahead and back while an issuer changes its keys, and is away: what it has withdrawn is not trusted for
// longer, what is new is not unknown for longer, and nobody asks it more often.

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openTokens } from "../../../packages/harness/src/adapters/oidc/tokens.ts";
import type { Tokens } from "../../../packages/harness/src/ports.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const KEYS = {
  k1: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  k2: generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
type Kid = keyof typeof KEYS;

let server: Server;
let issuer: string;
let published: readonly Kid[] = [];
let isAway = false;
let reads = 0;

beforeAll(async () => {
  server = createServer((_, response) => {
    reads += 1;
    const keys = published.map((kid) => ({
      ...KEYS[kid].publicKey.export({ format: "jwk" }),
      kid,
      alg: "ES256",
    }));
    response.writeHead(isAway ? 503 : 200).end(JSON.stringify({ keys }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the issuer has no port");
  issuer = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  server.close();
});

// Time that nobody can set, and the machine's clock beside it.
let steady = 0;
let aheadMs = 0;
const begun = Date.now();
function pass(ms: number): void {
  steady += ms;
  vi.setSystemTime(begun + steady + aheadMs);
}
function setAhead(ms: number): void {
  aheadMs = ms;
  pass(0);
}
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  [steady, aheadMs, reads, isAway, published] = [0, 0, 0, false, ["k1"]];
  pass(0);
});
afterEach(() => {
  vi.useRealTimers();
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

// Good by whatever time it is.
function token(kid: Kid, key: KeyObject = KEYS[kid].privateKey): string {
  const claims = { iss: issuer, aud: "https://assent.example", sub: "anna", exp: 99_999_999_999 };
  const text = `${part({ alg: "ES256", kid, typ: "at+jwt" })}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

const open = (): Tokens =>
  openTokens(
    [
      {
        name: "corp",
        issuer,
        audience: "https://assent.example",
        algorithms: ["ES256"],
        typ: "at+jwt",
        jwksUrl: `${issuer}/keys`,
        tenant: "default",
        kind: "human",
        services: [],
        nameClaim: "sub",
        rolesClaim: "groups",
        roles: {},
        mustSign: false,
      },
    ],
    {
      clock: { now: () => new Date(), sleep: async () => await Promise.resolve() },
      log: () => undefined,
      steadyMs: () => steady,
    },
  );

const accepts = async (tokens: Tokens, kid: Kid): Promise<boolean> =>
  (await tokens.verify(token(kid))) !== null;

test.each([0, DAY_MS, -DAY_MS])(
  "a key that is withdrawn is trusted for ten minutes, and a new one found after half a minute; clock set by %i ms",
  async (ms) => {
    const tokens = open();
    setAhead(ms);
    expect(await accepts(tokens, "k1")).toBe(true);
    setAhead(0);
    published = ["k2"];
    expect(await accepts(tokens, "k2")).toBe(false);
    pass(9 * MINUTE_MS);
    expect(await accepts(tokens, "k1")).toBe(true);
    pass(MINUTE_MS);
    expect(await accepts(tokens, "k1")).toBe(false);
    published = ["k1", "k2"];
    expect(await accepts(tokens, "k1")).toBe(false);
    pass(MINUTE_MS / 2);
    expect(await accepts(tokens, "k1")).toBe(true);
    expect(reads).toBe(3);
  },
);

test("an issuer that was away while the clock was ahead is asked again when it is back", async () => {
  const tokens = open();
  isAway = true;
  setAhead(DAY_MS);
  expect(await accepts(tokens, "k1")).toBe(false);
  isAway = false;
  setAhead(0);
  expect(await accepts(tokens, "k1")).toBe(false);
  pass(MINUTE_MS / 2);
  expect(await accepts(tokens, "k1")).toBe(true);
});

test("a clock that jumps about makes nobody ask more often", async () => {
  const tokens = open();
  expect(await accepts(tokens, "k1")).toBe(true);
  for (let hop = 1; hop <= 5; hop += 1) {
    setAhead(hop % 2 === 0 ? -hop * DAY_MS : hop * DAY_MS);
    expect(await accepts(tokens, "k2")).toBe(false);
    expect(await accepts(tokens, "k1")).toBe(true);
  }
  expect(reads).toBe(1);
});

test("who asks at once shares one answer", async () => {
  const tokens = open();
  const all = await Promise.all(Array.from({ length: 8 }, async () => await accepts(tokens, "k1")));
  expect([all.every((one) => one), reads]).toEqual([true, 1]);
});
