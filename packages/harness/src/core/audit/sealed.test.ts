// A sealed text opens with its own key, at its own place, and with nothing else; so does the wrapping of that key.

import { idFromUuid } from "@assent/contract";
import { expect, test } from "vitest";
import {
  dataKeyId,
  keyOfSealed,
  openText,
  sealedPlace,
  sealingPublicKey,
  sealText,
  unwrapDataKey,
  wrapDataKey,
  WRAPPED_BYTES,
} from "./sealed.ts";

const tenant = idFromUuid("ten", "00000000-0000-7000-8000-000000000001");
const other = idFromUuid("ten", "00000000-0000-7000-8000-000000000002");
const bytes = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const SUBJECT = "access_0199f2a47c3b7d20a1b2c3d4e5f60718";

/** The text with one character changed, at every place. */
const altered = (text: string): string[] =>
  Array.from(text, (was, at) => `${text.slice(0, at)}${was === "A" ? "B" : "A"}${text.slice(at + 1)}`);

test("a text opens with its key at its place, and says which key that is", () => {
  const place = sealedPlace(tenant, SUBJECT);
  const sealed = sealText(bytes(1), place, '{"name":"Ann"}');
  expect(sealed).not.toContain("Ann");
  expect(openText(bytes(1), place, sealed)).toBe('{"name":"Ann"}');
  expect(keyOfSealed(sealed)).toEqual(dataKeyId(bytes(1)));
  expect(keyOfSealed("v2.x")).toBeNull();
});

test.each([
  ["another key", bytes(2), sealedPlace(tenant, SUBJECT)],
  ["another tenant", bytes(1), sealedPlace(other, SUBJECT)],
  ["another subject", bytes(1), sealedPlace(tenant, "access_0199f2a47c3b7d20a1b2c3d4e5f60719")],
])("for %s it is nothing", (_, key, place) => {
  const sealed = sealText(bytes(1), sealedPlace(tenant, SUBJECT), "Ann");
  expect(openText(key, place, sealed)).toBeNull();
});

test("whatever is changed in a text, it opens no more", () => {
  const place = sealedPlace(tenant, SUBJECT);
  const sealed = sealText(bytes(1), place, "Ann of the office.");
  for (const text of altered(sealed)) expect(openText(bytes(1), place, text)).toBeNull();
});

// Else whoever seals could make one text that says one thing under one key and another thing under another.
test("a text is bound to one key by the key's name in it", () => {
  const place = sealedPlace(tenant, SUBJECT);
  const sealed = sealText(bytes(1), place, "Ann");
  const renamed = sealed.replace(dataKeyId(bytes(1)).toString("hex"), dataKeyId(bytes(2)).toString("hex"));
  expect(openText(bytes(1), place, renamed)).toBeNull();
  expect(openText(bytes(2), place, renamed)).toBeNull();
});

const wrapping = { publicKey: sealingPublicKey(bytes(9)), secret: bytes(5), seed: bytes(8) };
const opening = { privateKey: bytes(9), secret: bytes(5) };

test("a data key is wrapped with the public half, and unwrapped with the key", () => {
  const wrapped = wrapDataKey(wrapping, tenant, bytes(1));
  expect(wrapped).toHaveLength(WRAPPED_BYTES);
  expect(unwrapDataKey(opening, tenant, dataKeyId(bytes(1)), wrapped)).toEqual(Buffer.from(bytes(1)));
});

test.each([
  ["another sealing key", { ...opening, privateKey: bytes(10) }, tenant, bytes(1)],
  ["another installation's secret", { ...opening, secret: bytes(6) }, tenant, bytes(1)],
  ["another tenant's row", opening, other, bytes(1)],
  ["another key's row", opening, tenant, bytes(2)],
])("with %s it is nothing", (_, with_, of, key) => {
  const wrapped = wrapDataKey(wrapping, tenant, bytes(1));
  expect(unwrapDataKey(with_, of, dataKeyId(key), wrapped)).toBeNull();
});

test("whatever is changed in a wrapping, it unwraps no more, and no point is accepted that leads anywhere", () => {
  const wrapped = wrapDataKey(wrapping, tenant, bytes(1));
  const id = dataKeyId(bytes(1));
  for (let at = 0; at < wrapped.length; at += 1) {
    const changed = Buffer.from(wrapped);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(unwrapDataKey(opening, tenant, id, changed)).toBeNull();
  }
  const pointless = Buffer.concat([Buffer.alloc(32), wrapped.subarray(32)]);
  expect(unwrapDataKey(opening, tenant, id, pointless)).toBeNull();
  expect(unwrapDataKey(opening, tenant, id, wrapped.subarray(1))).toBeNull();
});

// RFC 7748, 6.1: Alice's key pair. A file of a key must mean the same to every version of this program.
test("a sealing key has the public half that RFC 7748 says", () => {
  const alice = Buffer.from("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", "hex");
  expect(sealingPublicKey(alice).toString("hex")).toBe(
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  );
});
