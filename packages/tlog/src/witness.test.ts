import { expect, test } from "vitest";
import { formatCheckpoint } from "./checkpoint.ts";
import { verifyCosignatures } from "./cosignature.ts";
import { type Hash, leafHash, treeHash } from "./hash.ts";
import { signerKey, type SignerKey } from "./keys.ts";
import { signNote } from "./note.ts";
import { parsePolicy } from "./policy.ts";
import { proveConsistency } from "./proofs.ts";
import { readerOfTiles } from "./tiles.ts";
import { addCosignatures, answerAddCheckpoint, formatAddCheckpoint, type WitnessRecord } from "./witness.ts";

const key = (name: string, type: 0x01 | 0x04 | 0x06, byte: number): SignerKey =>
  signerKey(name, type, new Uint8Array(32).fill(byte));
const LOG = key("log.example/one", 0x01, 1);
const W1 = key("witness.example/1", 0x04, 2);
const W2 = key("witness.example/2", 0x06, 3);
const W3 = key("witness.example/3", 0x04, 4);

const leaves = (count: number, branch = ""): Hash[] =>
  Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`${branch}${i}`)));

function note(size: number, branch = "", origin: string = LOG.name, signer: SignerKey = LOG): string {
  const root = treeHash(leaves(size, branch));
  const signed = signNote(formatCheckpoint({ origin, size, root, extensions: [] }), [signer]);
  return signed.ok ? signed.value : expect.unreachable();
}

const proof = (oldSize: number, size: number, branch = ""): Hash[] => {
  const all = leaves(size, branch);
  return proveConsistency(
    readerOfTiles((_, index) => all[index] ?? expect.unreachable()),
    oldSize,
    size,
  );
};

type Open = { record: WitnessRecord | null };
const open = (): Open => ({ record: null });

function add(witness: Open, body: string): { status: number; body: string } {
  const logs = [{ origin: LOG.name, keys: [LOG] }];
  const answer = answerAddCheckpoint(body, logs, () => witness.record, [W1, W2], 1_700_000_000);
  if (answer.status === 200) witness.record = answer.record;
  return answer;
}

const request = (oldSize: number, size: number, branch = ""): string =>
  formatAddCheckpoint({ oldSize, proof: proof(oldSize, size, branch), checkpoint: note(size, branch) });

test("a witness follows a log that only grows, and cosigns every step", () => {
  const witness = open();
  for (const [from, to] of [
    [0, 1],
    [1, 5],
    [5, 5],
    [5, 9],
  ] as const) {
    const answer = add(witness, request(from, to));
    expect(answer.status).toBe(200);
    const taken = addCosignatures(note(to), answer.body, [W1, W2, W3]);
    expect(taken.ok && taken.value.added).toHaveLength(2);
    const cosigned = taken.ok ? taken.value.note : "";
    const found = verifyCosignatures(cosigned, [W1, W2, W3]);
    expect(found.ok && found.value.map(({ key: { name } }) => name)).toEqual([W1.name, W2.name]);
  }
  expect(witness.record?.size).toBe(9);
});

test("a witness never cosigns two branches", () => {
  const witness = open();
  expect(add(witness, request(0, 4)).status).toBe(200);
  // The other branch agrees with itself, so its own proof is good, but not from what this witness has seen.
  expect(add(witness, request(4, 6, "fork")).status).toBe(422);
  expect(add(witness, request(4, 4, "fork")).status).toBe(422);
  expect(add(witness, request(0, 6, "fork"))).toEqual(
    expect.objectContaining({ status: 409, body: "4\n", contentType: "text/x.tlog.size" }),
  );
  expect(add(witness, request(4, 6)).status).toBe(200);
});

test.each<[string, string, number]>([
  [
    "an unknown log",
    formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: note(1, "", "log.example/two") }),
    404,
  ],
  [
    "a signature of another key",
    formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: note(1, "", LOG.name, key(LOG.name, 0x01, 9)) }),
    403,
  ],
  ["a signature that was changed", request(0, 1).replace(/.{8}=\n$/, "AAAAAAA=\n"), 403],
  ["a signature that is no base64", request(0, 1).replace(/=\n$/, "\n"), 403],
  ["an old size above the new one", formatAddCheckpoint({ oldSize: 2, proof: [], checkpoint: note(1) }), 400],
  ["an old size nobody knows", request(3, 4), 409],
  ["a proof from nothing", formatAddCheckpoint({ oldSize: 0, proof: leaves(1), checkpoint: note(1) }), 422],
  ["an old size with a leading zero", request(0, 1).replace("old 0", "old 00"), 400],
  ["no empty line", request(0, 1).replace("\n\n", "\n"), 400],
  ["64 hashes", formatAddCheckpoint({ oldSize: 0, proof: leaves(64), checkpoint: note(1) }), 400],
])("a witness refuses %s", (_, body, status) => {
  const witness = open();
  expect(add(witness, body).status).toBe(status);
  expect(witness.record).toBeNull();
});

test("a log takes over no cosignature that is not one", () => {
  const witness = open();
  const answer = add(witness, request(0, 3)).body;
  expect(addCosignatures(note(4), answer, [W1]).ok).toBe(false);
  expect(addCosignatures(note(3), "nonsense\n", [W1]).ok).toBe(false);
  const none = addCosignatures(note(3), answer, [W3]);
  expect(none.ok && none.value.note).toBe(note(3));
});

const POLICY = `# who is believed
log ${LOG.vkey} https://log.example/
witness one ${W1.vkey}
witness\ttwo ${W2.vkey} https://two.example/

witness three ${W3.vkey}
group pair 2 one two
  group all-of-them all pair three
quorum all-of-them
`;

test("a quorum counts witnesses as its groups say", () => {
  const policy = parsePolicy(POLICY);
  if (!policy.ok) throw new Error(policy.error);
  const { isQuorum, logs, witnesses } = policy.value;
  expect(logs.map(({ url }) => url)).toEqual(["https://log.example/"]);
  expect(witnesses.map(({ name }) => name)).toEqual(["one", "two", "three"]);
  const cosigned = (...keys: SignerKey[]): boolean => isQuorum(new Set(keys.map(({ vkey }) => vkey)));
  expect(cosigned(W1, W2, W3)).toBe(true);
  expect(cosigned(W1, W3)).toBe(false);
  expect(cosigned(W1, W2)).toBe(false);
  expect(cosigned(LOG, W1, W2)).toBe(false);
  const none = parsePolicy("quorum none\n");
  expect(none.ok && none.value.isQuorum(new Set())).toBe(true);
});

test.each([
  ["no quorum", POLICY.replace("quorum all-of-them\n", "")],
  ["two quorums", `${POLICY}quorum one\n`],
  ["a quorum of an unknown name", "quorum nobody\n"],
  ["a name twice", POLICY.replace("witness three", "witness one")],
  ["a key twice", POLICY.replace(W3.vkey, W1.vkey)],
  ["a member twice", POLICY.replace("pair three", "pair one")],
  ["a threshold above its members", POLICY.replace("pair 2", "pair 3")],
  ["a threshold of nothing", POLICY.replace("pair 2", "pair 0")],
  ["a log's key as a witness", POLICY.replace(W1.vkey, key("x.example", 0x01, 7).vkey)],
  ["a witness's key as a log", POLICY.replace(LOG.vkey, key("x.example", 0x04, 7).vkey)],
  ["an unknown line", `${POLICY}believe everybody\n`],
  ["a carriage return", POLICY.replaceAll("\n", "\r\n")],
  ["a group before its members", `group g any one\n${POLICY}`],
  ["a witness called none", POLICY.replaceAll("three", "none")],
  ["too many words", POLICY.replace("quorum all-of-them", "quorum all-of-them pair")],
])("refuses a policy with %s", (_, text) => {
  expect(parsePolicy(text).ok).toBe(false);
});
