// Foreign vectors: RFC 9421 appendix B.2.5 and B.2.6, with its own keys; and another implementation, both ways.

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { createSignature, type SignatureMessage, verifySignature } from "http-message-sig";
import { describe, expect, test } from "vitest";
import { signRequest } from "../../../packages/harness/src/client/sign.ts";
import {
  signatureBase,
  type SignedMessage,
} from "../../../packages/harness/src/core/signature/signature-base.ts";
import { parseSignature } from "../../../packages/harness/src/core/signature/signature-input.ts";
import {
  isUsableKey,
  refuseSignature,
  verifyBase,
  type VerifyingKey,
} from "../../../packages/harness/src/core/signature/verify.ts";

/** RFC 9421 appendix B.2, test-request. */
const RFC_REQUEST: SignedMessage = {
  method: "POST",
  authority: "example.com",
  path: "/foo",
  query: "?param=Value&Pet=dog",
  fields: new Map([
    ["host", "example.com"],
    ["date", "Tue, 20 Apr 2021 02:07:55 GMT"],
    ["content-type", "application/json"],
    [
      "content-digest",
      "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    ],
    ["content-length", "18"],
  ]),
  body: Buffer.from('{"hello": "world"}'),
};

type InnerList = Parameters<typeof signatureBase>[1];

const innerList = (
  names: readonly string[],
  parameters: Readonly<Record<string, string | number>>,
): InnerList => [names.map((name) => [name, new Map()]), new Map(Object.entries(parameters))];

describe("RFC 9421", () => {
  test("B.2.5: HMAC-SHA256", () => {
    const base = signatureBase(
      RFC_REQUEST,
      innerList(["date", "@authority", "content-type"], { created: 1618884473, keyid: "test-shared-secret" }),
    );
    expect(base).toBe(
      [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@authority": example.com',
        '"content-type": application/json',
        '"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
      ].join("\n"),
    );
    const secret = Buffer.from(
      "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
      "base64",
    );
    const signature = Buffer.from("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=", "base64");
    expect(verifyBase(base ?? "", signature, { algorithm: "hmac-sha256", secret })).toBe(true);
    expect(verifyBase(`${base} `, signature, { algorithm: "hmac-sha256", secret })).toBe(false);
  });

  test("B.2.6: Ed25519", () => {
    const params =
      '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
    const base =
      signatureBase(
        RFC_REQUEST,
        innerList(["date", "@method", "@path", "@authority", "content-type", "content-length"], {
          created: 1618884473,
          keyid: "test-key-ed25519",
        }),
      ) ?? "";
    expect(base.split("\n").at(-1)).toBe(`"@signature-params": ${params}`);
    const publicKey = Buffer.from("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=", "base64");
    const signature = Buffer.from(
      "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
      "base64",
    );
    expect(verifyBase(base, signature, { algorithm: "ed25519", publicKey })).toBe(true);
    expect(verifyBase(base.replace("POST", "GET"), signature, { algorithm: "ed25519", publicKey })).toBe(
      false,
    );
  });
});

const PAIR = generateKeyPairSync("ed25519");
const JWK = PAIR.publicKey.export({ format: "jwk" });
const ED25519: VerifyingKey = { algorithm: "ed25519", publicKey: Buffer.from(JWK.x ?? "", "base64url") };
const PRIVATE_PEM = PAIR.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const SECRET = Buffer.alloc(32, 7);
const HMAC: VerifyingKey = { algorithm: "hmac-sha256", secret: SECRET };

const NOW = new Date("2026-11-20T12:00:00Z");
const NONCE = "0123456789abcdef";
const BODY = '{"agent":"a"}';

function message(
  headers: Readonly<Record<string, string>>,
  change: Partial<SignedMessage> = {},
): SignedMessage {
  return {
    method: "POST",
    authority: "harness.example:4200",
    path: "/api/harness/run",
    query: "?",
    fields: new Map(
      Object.entries({ "content-type": "application/json", "idempotency-key": '"k1"', ...headers }),
    ),
    body: Buffer.from(BODY),
    ...change,
  };
}

const REQUEST = {
  method: "POST",
  url: "http://harness.example:4200/api/harness/run",
  headers: { "Content-Type": "application/json", "Idempotency-Key": '"k1"' },
  body: BODY,
};
const KEYS = [
  ["ed25519", { id: "sgk_1", algorithm: "ed25519", privateKey: PRIVATE_PEM }, ED25519],
  ["hmac-sha256", { id: "sgk_1", algorithm: "hmac-sha256", secret: SECRET.toString("base64") }, HMAC],
] as const;

function judge(signed: SignedMessage, key: VerifyingKey, now = NOW): string | null {
  const parsed = parseSignature(signed.fields);
  return parsed.ok ? refuseSignature(signed, parsed.value, key, now) : parsed.error;
}

describe.each(KEYS)("%s", (_algorithm, signingKey, key) => {
  const headers = signRequest(REQUEST, signingKey, { now: NOW, nonce: NONCE });

  test("what the client signs is right, for as long as the window lasts and no longer", () => {
    expect(judge(message(headers), key)).toBeNull();
    const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1_000);
    expect([-300, 0, 299].map((seconds) => judge(message(headers), key, at(seconds)))).toEqual([
      null,
      null,
      null,
    ]);
    for (const seconds of [-301, 300, 301]) expect(judge(message(headers), key, at(seconds))).not.toBeNull();
  });

  test.each<[string, Partial<SignedMessage>, Readonly<Record<string, string>>]>([
    ["method", { method: "DELETE" }, {}],
    ["authority", { authority: "other.example" }, {}],
    ["path", { path: "/api/harness/approve" }, {}],
    ["query", { query: "?x=1" }, {}],
    ["body", { body: Buffer.from(`${BODY} `) }, {}],
    ["content type", {}, { "content-type": "text/plain" }],
    ["idempotency key", {}, { "idempotency-key": '"k2"' }],
    ["digest", {}, { "content-digest": "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:" }],
    ["digest's algorithm", {}, { "content-digest": "sha-512=:AAAA:" }],
  ])("another %s than was signed is refused", (_name, change, fields) => {
    expect(judge(message({ ...headers, ...fields }, change), key)).not.toBeNull();
  });

  test("every changed byte of the signature and of what it covers is refused", () => {
    const input = headers["signature-input"] ?? "";
    for (const [from, to] of [
      [NONCE, "fedcba9876543210"],
      ["created=", "created=1"],
      ["expires=", "expires=1"],
      ["sgk_1", "sgk_2"],
    ] as const)
      expect(judge(message({ ...headers, "signature-input": input.replace(from, to) }), key)).not.toBeNull();
    const bytes = Buffer.from((headers["signature"] ?? "").slice("sig1=:".length, -1), "base64");
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(
        judge(message({ ...headers, signature: `sig1=:${changed.toString("base64")}:` }), key),
      ).not.toBeNull();
    }
  });

  test("another key of the same kind, and a key of the other kind, refuse it", () => {
    const other: VerifyingKey =
      key.algorithm === "ed25519"
        ? {
            algorithm: "ed25519",
            publicKey: Buffer.from("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=", "base64"),
          }
        : { algorithm: "hmac-sha256", secret: Buffer.alloc(32, 8) };
    expect(judge(message(headers), other)).not.toBeNull();
    expect(judge(message(headers), key.algorithm === "ed25519" ? HMAC : ED25519)).not.toBeNull();
  });
});

test("the public key as an HMAC secret signs nothing (algorithm confusion)", () => {
  const publicKey = ED25519.algorithm === "ed25519" ? ED25519.publicKey : SECRET;
  const secret = Buffer.from(publicKey).toString("base64");
  const headers = signRequest(
    REQUEST,
    { id: "sgk_1", algorithm: "hmac-sha256", secret },
    { now: NOW, nonce: NONCE },
  );
  expect(judge(message(headers), ED25519)).not.toBeNull();
  const unnamed = (headers["signature-input"] ?? "").replace(';alg="hmac-sha256"', "");
  expect(judge(message({ ...headers, "signature-input": unnamed }), ED25519)).not.toBeNull();
});

const GOOD = signRequest(REQUEST, KEYS[1][1], { now: NOW, nonce: NONCE });
const INPUT = GOOD["signature-input"] ?? "";
const SIGNATURE = GOOD["signature"] ?? "";
test.each([
  [
    "two signatures",
    `${INPUT}, ${INPUT.replace("sig1", "sig2")}`,
    `${SIGNATURE}, ${SIGNATURE.replace("sig1", "sig2")}`,
  ],
  ["a signature without its input", INPUT, SIGNATURE.replace("sig1", "sig2")],
  ["an input without signatures", INPUT, ""],
  ["no coverage", INPUT.replace(/\(.*\)/, "()"), SIGNATURE],
  ["less coverage", INPUT.replace(' "content-digest"', ""), SIGNATURE],
  ["more coverage", INPUT.replace('"@method"', '"@method" "host"'), SIGNATURE],
  ["a component twice", INPUT.replace('"@path"', '"@method"'), SIGNATURE],
  ["a component with a parameter", INPUT.replace('"@path"', '"@path";req'), SIGNATURE],
  ["no nonce", INPUT.replace(/;nonce="[^"]*"/, ""), SIGNATURE],
  ["a short nonce", INPUT.replace(NONCE, "x"), SIGNATURE],
  ["no time", INPUT.replace(/;created=\d+/, ""), SIGNATURE],
  ["no end", INPUT.replace(/;expires=\d+/, ""), SIGNATURE],
  ["another tag", INPUT.replace("assent-v1", "web-bot-auth"), SIGNATURE],
  ["no tag", INPUT.replace(/;tag="[^"]*"/, ""), SIGNATURE],
  ["an unknown parameter", `${INPUT};x=1`, SIGNATURE],
  ["a time with a fraction", INPUT.replace(/created=(\d+)/, "created=$1.5"), SIGNATURE],
  ["something that is no dictionary", "(((", SIGNATURE],
  ["a field without end", `${INPUT};x="${"a".repeat(5_000)}"`, SIGNATURE],
])("%s is refused before any key is looked up", (_name, input, signature) => {
  expect(parseSignature(message({ ...GOOD, "signature-input": input, signature }).fields).ok).toBe(false);
});

test("a body without a digest is refused", () => {
  const { "content-digest": _, ...rest } = GOOD;
  const bare = message(rest);
  const parsed = parseSignature(bare.fields);
  expect(parsed.ok).toBe(false);
  const headers = signRequest({ ...REQUEST, body: "" }, KEYS[1][1], { now: NOW, nonce: NONCE });
  expect(judge(message(headers), HMAC)).toBe("A signed request with a body needs a Content-Digest.");
});

test.each(["00", "01", "ec", "ed", "ee"])("a key of small order is no key: %s…", (first) => {
  const high = Number.parseInt(first, 16) > 1;
  const key = Buffer.alloc(32, high ? 0xff : 0);
  key[0] = Number.parseInt(first, 16);
  if (high) key[31] = 0x7f;
  expect(isUsableKey(key)).toBe(false);
  key[31] = (key[31] ?? 0) | 0x80;
  expect(isUsableKey(key)).toBe(false);
});

describe("http-message-sig", () => {
  const components = [
    "@method",
    "@authority",
    "@path",
    "@query",
    "content-digest",
    "content-type",
    "idempotency-key",
  ];
  const foreign = (headers: Readonly<Record<string, string>>): SignatureMessage => ({
    kind: "request",
    method: "POST",
    targetUri: REQUEST.url,
    fields: [...message(headers).fields].map(([name, value]) => ({ name, value })),
  });

  test("takes what we sign", async () => {
    const headers = signRequest(REQUEST, KEYS[0][1], { now: NOW, nonce: NONCE });
    const verified = await verifySignature(foreign(headers), {
      policy: {
        algorithms: ["ed25519"],
        requiredComponents: components,
        requiredParameters: ["created", "expires", "nonce", "keyid", "tag"],
        now: NOW.getTime() / 1_000,
        maxAge: 300,
      },
      resolveVerifier: () => ({
        algorithm: "ed25519",
        verify: (data, signature) => verifyBase(Buffer.from(data).toString("latin1"), signature, ED25519),
      }),
    });
    expect(verified.parameters.nonce).toBe(NONCE);
  });

  test("signs what we take", async () => {
    const digest = { "content-digest": GOOD["content-digest"] ?? "" };
    const created = NOW.getTime() / 1_000;
    const privateKey = createPrivateKey(PRIVATE_PEM);
    const fields = await createSignature(foreign(digest), {
      label: "other",
      components,
      parameters: {
        created,
        expires: created + 60,
        nonce: NONCE,
        keyid: "sgk_1",
        alg: "ed25519",
        tag: "assent-v1",
      },
      signer: { algorithm: "ed25519", sign: (data) => sign(null, data, privateKey) },
    });
    const headers = { ...digest, signature: fields.signature, "signature-input": fields.signatureInput };
    expect(judge(message(headers), ED25519)).toBeNull();
    expect(createPublicKey(PRIVATE_PEM).asymmetricKeyType).toBe("ed25519");
  });
});
