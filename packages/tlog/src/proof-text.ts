// C2SP tlog-proof: a proof of one entry as a text that is verified offline. https://c2sp.org/tlog-proof

import { type Hash, isHash, leafHash } from "./hash.ts";
import type { VerifierKey } from "./keys.ts";
import { PROOF_HASHES_MAX, verifyInclusion } from "./proofs.ts";
import { fail, ok, type Result } from "./result.ts";
import { openCheckpoint, type OpenedCheckpoint } from "./signed-checkpoint.ts";
import { decodeBase64, decodeUtf8, encodeBase64, parseDecimal } from "./text.ts";

const HEADER = "c2sp.org/tlog-proof@v1";
/** Some twenty signatures and 63 hashes; a proof that is larger is none. */
const PROOF_BYTES_MAX = 1_100_000;

export type TlogProof = {
  readonly index: number;
  /** From the leaf's sibling up. */
  readonly hashes: readonly Hash[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Opaque and not authenticated; null when absent. */
  readonly extra: Uint8Array | null;
};

export function formatProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const head = [HEADER, ...(extra === null ? [] : [`extra ${encodeBase64(extra)}`]), `index ${index}`];
  return `${[...head, ...hashes.map(encodeBase64)].join("\n")}\n\n${checkpoint}`;
}

/** Takes a proof apart; it proves nothing before it is verified. */
export function parseProof(bytes: Uint8Array | string): Result<TlogProof> {
  const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  if (text === null || text.length > PROOF_BYTES_MAX)
    return fail("malformed proof: not a text of a proof's size");
  const split = text.indexOf("\n\n");
  if (split < 0) return fail("malformed proof: no empty line before the checkpoint");
  const [header, ...lines] = text.slice(0, split).split("\n");
  if (header !== HEADER) return fail(`malformed proof: the first line is not ${HEADER}`);
  let extra: Uint8Array | null = null;
  if (lines[0]?.startsWith("extra ") === true) {
    extra = decodeBase64(lines[0].slice("extra ".length));
    if (extra === null) return fail("malformed proof: the extra data are not base64");
    lines.shift();
  }
  const indexLine = lines.shift();
  const index =
    indexLine?.startsWith("index ") === true ? parseDecimal(indexLine.slice("index ".length)) : null;
  if (index === null) return fail("malformed proof: no index in decimal");
  if (lines.length > PROOF_HASHES_MAX) return fail("malformed proof: more than 63 hashes");
  const hashes: Hash[] = [];
  for (const line of lines) {
    const hash = decodeBase64(line);
    if (hash === null || !isHash(hash)) return fail("malformed proof: a line that is no hash in base64");
    hashes.push(hash);
  }
  const checkpoint = text.slice(split + 2);
  if (checkpoint === "") return fail("malformed proof: no checkpoint");
  return ok({ index, hashes, checkpoint, extra });
}

export type VerifiedProof = { readonly index: number; readonly checkpoint: OpenedCheckpoint };

/**
 * Whether the log with this origin and these keys holds this entry: of each type among them one has signed.
 * @param entry the bytes of the entry, not its hash
 */
export function verifyProof(
  proof: Uint8Array | string,
  entry: Uint8Array,
  origin: string,
  keys: readonly VerifierKey[],
): Result<VerifiedProof> {
  const parsed = parseProof(proof);
  if (!parsed.ok) return parsed;
  const { index, hashes } = parsed.value;
  const checkpoint = openCheckpoint(parsed.value.checkpoint, origin, keys);
  if (!checkpoint.ok) return checkpoint;
  const { size, root } = checkpoint.value;
  if (!verifyInclusion({ index, size, leafHash: leafHash(entry), root, proof: hashes }))
    return fail("the hashes do not lead from the entry to the checkpoint's root");
  return ok({ index, checkpoint: checkpoint.value });
}
