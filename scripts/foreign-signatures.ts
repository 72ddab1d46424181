// Others' vectors of signatures, for both verifiers: @assent/tlog, and verify.py, whose arithmetic is its own.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SIGNATURE_TYPES, type SignatureType, signerKey, verifierKey } from "@assent/tlog";

export type Outcome = {
  readonly name: string;
  readonly agrees: boolean;
  /** Why it says nothing of ours, where it does not. */
  readonly unjudged?: string;
};

/** One signature, and whether it is one. */
type Case = {
  readonly name: string;
  readonly type: SignatureType;
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly isGood: boolean;
  /** Signed as FIPS 204, algorithm 7 has it, without a context before the message: nothing of ours asks for that. */
  readonly isInternal?: boolean;
};

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? { ...value } : {};
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const bytesOf = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : "", "hex");
const readJson = (...path: readonly string[]): Fields =>
  fieldsOf(JSON.parse(readFileSync(join(...path), "utf8")));

function isAccepted({ type, key, message, signature }: Case): boolean {
  try {
    return verifierKey("vectors", type, key).verify(message, signature);
  } catch (error) {
    // A key of another length is none.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const SCRIPT = fileURLToPath(new URL("../packages/tlog/verify.py", import.meta.url));
const ASK_PYTHON = `
import json, runpy, sys
verify = runpy.run_path(sys.argv[1], run_name="vectors")
for line in sys.stdin:
    kind, key, message, signature, prefix = json.loads(line)
    key, message, signature = map(bytes.fromhex, (key, message, signature))
    good = verify["is_signature"](key, message, signature) if kind == 1 else verify["is_mldsa_signature"](key, message, signature, bytes.fromhex(prefix))
    print(int(good))
`;

function pythonAccepts(cases: readonly Case[]): readonly boolean[] {
  const lines = cases.map(({ type, key, message, signature, isInternal }) => {
    const hex = [key, message, signature].map((bytes) => Buffer.from(bytes).toString("hex"));
    return JSON.stringify([type, ...hex, isInternal === true ? "" : "0000"]);
  });
  const input = `${lines.join("\n")}\n`;
  const said = execFileSync("python3", ["-I", "-c", ASK_PYTHON, SCRIPT], { input, encoding: "utf8" });
  return said
    .trimEnd()
    .split("\n")
    .map((line) => line === "1");
}

function judge(cases: readonly Case[]): Outcome[] {
  const said = pythonAccepts(cases);
  return cases.flatMap((one, i) => [
    ...(one.isInternal === true ? [] : [{ name: one.name, agrees: isAccepted(one) === one.isGood }]),
    { name: `${one.name}, verify.py`, agrees: said[i] === one.isGood },
  ]);
}

/** @param folder testvectors_v1 of C2SP/wycheproof */
export function wycheproof(folder: string): Outcome[] {
  const { ed25519, mldsa } = SIGNATURE_TYPES;
  const cases = ["ed25519_test.json", "mldsa_44_verify_test.json"].flatMap((file) =>
    listOf(readJson(folder, file)["testGroups"]).flatMap(({ publicKey, tests }) =>
      listOf(tests).map((test): Case => ({
        name: `${file} ${String(test["tcId"])}`,
        type: file.startsWith("mldsa") ? mldsa : ed25519,
        key: bytesOf(typeof publicKey === "string" ? publicKey : fieldsOf(publicKey)["pk"]),
        message: bytesOf(test["msg"]),
        signature: bytesOf(test["sig"]),
        // With a context it is another signature than any of ours.
        isGood: test["result"] === "valid" && (test["ctx"] ?? "") === "",
      })),
    ),
  );
  return [...judge(cases), ...seeds(folder)];
}

function seeds(folder: string): Outcome[] {
  const file = "mldsa_44_sign_seed_test.json";
  return listOf(readJson(folder, file)["testGroups"]).flatMap(({ privateSeed, publicKey, tests }) => {
    const wanted = listOf(tests).some(({ flags }) => String(flags).includes("IncorrectPrivateKeyLength"))
      ? null
      : String(publicKey);
    return listOf(tests).map(({ tcId }) => ({
      name: `${file} ${String(tcId)}`,
      agrees: publicKeyOf(bytesOf(privateSeed)) === wanted,
    }));
  });
}

/** In hex; null for a seed that is none. */
function publicKeyOf(seed: Uint8Array): string | null {
  try {
    return Buffer.from(signerKey("vectors", SIGNATURE_TYPES.mldsa, seed).publicKey).toString("hex");
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @param folder gen-val/json-files of usnistgov/ACVP-Server */
export function acvp(folder: string): Outcome[] {
  const groups = (mode: string): readonly Fields[] =>
    listOf(readJson(folder, `ML-DSA-${mode}-FIPS204`, "internalProjection.json")["testGroups"]).filter(
      ({ parameterSet }) => parameterSet === "ML-DSA-44",
    );
  const keys = groups("keyGen").flatMap(({ tests }) =>
    listOf(tests).map(({ tcId, seed, pk }) => ({
      name: `ACVP keyGen ${String(tcId)}`,
      agrees: publicKeyOf(bytesOf(seed)) === String(pk).toLowerCase(),
    })),
  );
  const cases = groups("sigVer")
    // Later revisions have other ways of hashing beside the two.
    .filter(({ preHash, externalMu }) => (preHash ?? "none") === "none" && externalMu !== true)
    .flatMap((group) =>
      listOf(group["tests"]).map((test): Case => ({
        name: `ACVP sigVer ${String(test["tcId"])}`,
        type: SIGNATURE_TYPES.mldsa,
        key: bytesOf(test["pk"] ?? group["pk"]),
        message: bytesOf(test["message"]),
        signature: bytesOf(test["signature"]),
        isGood: test["testPassed"] === true && (test["context"] ?? "") === "",
        isInternal: (group["signatureInterface"] ?? "internal") === "internal",
      })),
    );
  return [...keys, ...judge(cases)];
}
