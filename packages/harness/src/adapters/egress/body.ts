// The body of an answer, within limits on the wire and after decompression: a few kilobytes of gzip can become
// gigabytes, so the output is counted while it comes and the rest never made.

import type { IncomingMessage } from "node:http";
import { pipeline, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { err, ok, type Result } from "../../base/result.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Body } from "../../ports.ts";

/** Read from the network at most. */
export const WIRE_BYTES_MAX = 1024 * 1024;
/** Kept after decompression; what a model is shown is less. */
export const BODY_BYTES_MAX = 1024 * 1024;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

export async function readBody(response: IncomingMessage): Promise<Result<Body, StepError>> {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined && encoding !== "identity") {
    response.destroy();
    return err({
      code: "encoding_unknown",
      detail: "The answer is compressed in a way that was not offered.",
    });
  }
  try {
    const wire = limited(response, WIRE_BYTES_MAX);
    if (decoder === undefined) return ok(await collect(wire.stream, () => wire.isCut()));
    const decoded = decoder();
    // Carries an error of either end to the other; it is seen where the decoded stream is read.
    pipeline(wire.stream, decoded, () => undefined);
    return ok(await collect(decoded, () => wire.isCut()));
  } finally {
    // Whatever is still to come is not wanted.
    response.destroy();
  }
}

function limited(
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
): { readonly stream: AsyncIterable<Uint8Array>; readonly isCut: () => boolean } {
  let left = bytesMax;
  let cut = false;
  const read = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      if (chunk.byteLength > left) {
        cut = true;
        yield chunk.subarray(0, left);
        return;
      }
      left -= chunk.byteLength;
      yield chunk;
    }
  };
  return { stream: read(), isCut: () => cut };
}

async function collect(
  source: AsyncIterable<Uint8Array | string>,
  isCutBefore: () => boolean,
): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      const piece = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      chunks.push(piece.subarray(0, BODY_BYTES_MAX - bytes));
      bytes += piece.byteLength;
      if (bytes > BODY_BYTES_MAX) return { bytes: Buffer.concat(chunks), isCut: true };
    }
  } catch (error) {
    // A compressed stream that we cut ourselves ends too early for its decoder; that is no failure.
    if (!isCutBefore()) throw error;
  }
  return { bytes: Buffer.concat(chunks), isCut: isCutBefore() };
}
