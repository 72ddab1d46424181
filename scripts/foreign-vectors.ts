// Runs other projects' test vectors, from a checkout of theirs, against what this repository has: nothing of theirs is
// kept here. Prints what agreed, names what did not, and ends with exit code 1 for anything that did not.
//   node --conditions=assent-source scripts/foreign-vectors.ts --merkle <transparency-dev/merkle>/testdata
//   node --conditions=assent-source scripts/foreign-vectors.ts --jcs <cyberphone/json-canonicalization>/testdata

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { decodeBase64, isHash, verifyConsistency, verifyInclusion } from "@assent/tlog";
import { canonicalJson } from "../packages/harness/src/base/canonical-json.ts";
import { canonicalJson as suiteCanonicalJson } from "../packages/suite/src/canonical-json.ts";

type Outcome = { readonly name: string; readonly agrees: boolean; readonly isPlaceholder?: boolean };

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};
const numberOf = (value: unknown): number => (typeof value === "number" ? value : Number.NaN);
// A hash that is not even base64 is passed on as one of no bytes, which every verifier must refuse.
const hashOf = (value: unknown): Uint8Array =>
  (typeof value === "string" ? decodeBase64(value) : null) ?? new Uint8Array();
const proofOf = (value: unknown): Uint8Array[] => (Array.isArray(value) ? value.map(hashOf) : []);

function judgeProof(kind: string, text: string): boolean {
  const given = fieldsOf(JSON.parse(text));
  const isAccepted =
    kind === "inclusion"
      ? verifyInclusion({
          index: numberOf(given["leafIdx"]),
          size: numberOf(given["treeSize"]),
          leafHash: hashOf(given["leafHash"]),
          root: hashOf(given["root"]),
          proof: proofOf(given["proof"]),
        })
      : verifyConsistency({
          oldSize: numberOf(given["size1"]),
          size: numberOf(given["size2"]),
          oldRoot: hashOf(given["root1"]),
          root: hashOf(given["root2"]),
          proof: proofOf(given["proof"]),
        });
  return isAccepted === (given["wantErr"] !== true);
}

/** One of theirs has words in the place of roots, and accepts them; here a hash has 32 bytes. */
const hasPlaceholder = (text: string): boolean => {
  const { root1, wantErr } = fieldsOf(JSON.parse(text));
  return wantErr !== true && typeof root1 === "string" && !isHash(hashOf(root1));
};

const merkle = (folder: string): Outcome[] =>
  ["inclusion", "consistency"].flatMap((kind) =>
    filesOf(join(folder, kind)).map((file) => {
      const text = readFileSync(file, "utf8");
      return { name: file, agrees: judgeProof(kind, text), isPlaceholder: hasPlaceholder(text) };
    }),
  );

const jcs = (folder: string): Outcome[] =>
  filesOf(join(folder, "input")).flatMap((file) => {
    const expected = readFileSync(join(folder, "output", basename(file)), "utf8");
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return [canonicalJson, suiteCanonicalJson].map((made) => ({
      name: file,
      agrees: made(value) === expected,
    }));
  });

const { values } = parseArgs({ options: { merkle: { type: "string" }, jcs: { type: "string" } } });
const outcomes = [
  ...(values.merkle === undefined ? [] : merkle(values.merkle)),
  ...(values.jcs === undefined ? [] : jcs(values.jcs)),
];
const judged = outcomes.filter(({ isPlaceholder }) => isPlaceholder !== true);
const wrong = judged.filter(({ agrees }) => !agrees);
for (const { name } of wrong) process.stdout.write(`differs: ${name}\n`);
for (const { name } of outcomes.filter(({ isPlaceholder }) => isPlaceholder === true))
  process.stdout.write(`not judged, no hash where a root should be: ${name}\n`);
process.stdout.write(`${judged.length - wrong.length} of ${judged.length} vectors agree\n`);
// No vector at all is no agreement.
if (wrong.length > 0 || judged.length === 0) process.exitCode = 1;
