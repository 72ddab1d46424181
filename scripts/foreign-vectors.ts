// Runs other projects' test vectors, from a checkout of theirs, against what this repository has: nothing of theirs is
// kept here. Prints what agreed, names what did not, and ends with exit code 1 for anything that did not.
//   node --conditions=assent-source scripts/foreign-vectors.ts --merkle <transparency-dev/merkle>/testdata
//   node --conditions=assent-source scripts/foreign-vectors.ts --jcs <cyberphone/json-canonicalization>/testdata
//   node --conditions=assent-source scripts/foreign-vectors.ts --wycheproof <C2SP/wycheproof>/testvectors_v1
//   node --conditions=assent-source scripts/foreign-vectors.ts --acvp <usnistgov/ACVP-Server>/gen-val/json-files
//   node --conditions=assent-source scripts/foreign-vectors.ts --cedar <cedar-policy/cedar-integration-tests>
// The last with its corpus-tests.tar.gz unpacked where it lies.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { decodeBase64, isHash, verifyConsistency, verifyInclusion } from "@assent/tlog";
import {
  type CedarRequest,
  evaluateCedar,
  parseCedarRequest,
  validateCedar,
} from "../packages/harness/src/adapters/cedar/evaluate.ts";
import { parseExactJson, withRawIntegers } from "../packages/harness/src/adapters/cedar/exact-json.ts";
import { canonicalJson } from "../packages/harness/src/base/canonical-json.ts";
import { canonicalJson as suiteCanonicalJson } from "../packages/suite/src/canonical-json.ts";
import { acvp, type Outcome, wycheproof } from "./foreign-signatures.ts";

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
      const outcome = { name: file, agrees: judgeProof(kind, text) };
      return hasPlaceholder(text) ? { ...outcome, unjudged: "no hash where a root should be" } : outcome;
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

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String).toSorted() : []);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Each request by decision, reasons and errors, and each policy set by whether it validates. */
const cedar = (root: string): Outcome[] =>
  ["tests", "corpus-tests"]
    .flatMap((folder) => filesOf(join(root, folder)))
    .filter((file) => file.endsWith(".json") && !file.endsWith(".entities.json"))
    .flatMap((file) => {
      const test = fieldsOf(parseExactJson(readFileSync(file, "utf8")));
      const textOf = (name: string): string => readFileSync(join(root, String(test[name])), "utf8");
      const set = { policies: textOf("policies"), schema: textOf("schema") };
      const entities = textOf("entities");
      return [
        judgeSet(file, set, test["shouldValidate"] === true),
        ...listOf(test["requests"]).map((request) =>
          judgeRequest(file, fieldsOf(request), { ...set, entities }),
        ),
      ];
    });

/** Of the version that wrote the corpus an error, since then a warning. */
const SINCE_THEN_A_WARNING = "unable to find an applicable action";

function judgeSet(file: string, set: { policies: string; schema: string }, isValid: boolean): Outcome {
  const { errors, warnings, failures } = validateCedar(set);
  const outcome = {
    name: `${file}, validation`,
    agrees: (errors.length === 0 && failures.length === 0) === isValid,
  };
  return !outcome.agrees && !isValid && warnings.some(({ detail }) => detail.includes(SINCE_THEN_A_WARNING))
    ? { ...outcome, unjudged: "an error of an older Cedar, a warning of this one" }
    : outcome;
}

function judgeRequest(
  file: string,
  given: Readonly<Record<string, unknown>>,
  set: Pick<CedarRequest, "policies" | "schema" | "entities">,
): Outcome {
  const { description, decision, reason, errors, principal, action, resource, context } = given;
  const validateRequest = given["validateRequest"] !== false;
  // As text, which is how the command takes it.
  const request = parseCedarRequest(
    exactJsonOf({ ...set, principal, action, resource, context, validateRequest }),
  );
  const name = `${file}, ${String(description)}`;
  if (!request.ok) return { name: `${name}: ${request.error}`, agrees: false };
  const outcome = evaluateCedar(request.value);
  const found = [outcome.decision, ...outcome.reasons, "|", ...outcome.errors];
  const wanted = [String(decision).toLowerCase(), ...textsOf(reason), "|", ...textsOf(errors)];
  return {
    name: `${name}: ${[...found, ...outcome.failures].join(" ")} for ${wanted.join(" ")}`,
    agrees: outcome.failures.length === 0 && JSON.stringify(found) === JSON.stringify(wanted),
  };
}

/** With integers of 64 bits in full. */
const exactJsonOf = (value: unknown): string => JSON.stringify(withRawIntegers(value));

const { values } = parseArgs({
  options: {
    merkle: { type: "string" },
    jcs: { type: "string" },
    wycheproof: { type: "string" },
    acvp: { type: "string" },
    cedar: { type: "string" },
  },
});
const outcomes = [
  ...(values.cedar === undefined ? [] : cedar(values.cedar)),
  ...(values.merkle === undefined ? [] : merkle(values.merkle)),
  ...(values.jcs === undefined ? [] : jcs(values.jcs)),
  ...(values.wycheproof === undefined ? [] : wycheproof(values.wycheproof)),
  ...(values.acvp === undefined ? [] : acvp(values.acvp)),
];
const judged = outcomes.filter(({ unjudged }) => unjudged === undefined);
const wrong = judged.filter(({ agrees }) => !agrees);
for (const { name } of wrong) process.stdout.write(`differs: ${name}\n`);
for (const { name, unjudged } of outcomes)
  if (unjudged !== undefined) process.stdout.write(`not judged, ${unjudged}: ${name}\n`);
process.stdout.write(`${judged.length - wrong.length} of ${judged.length} vectors agree\n`);
// No vector at all is no agreement.
if (wrong.length > 0 || judged.length === 0) process.exitCode = 1;
