import { err, ok, type Result } from "../base/result.ts";

/** Reads a whole body, and stops as soon as it is longer than it may be: the length it claims is not believed. */
export async function readBody(
  response: Response,
  bytesMax: number,
): Promise<Result<Uint8Array<ArrayBuffer>, "too_long">> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return ok(new Uint8Array());
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    sizeBytes += value.byteLength;
    if (sizeBytes > bytesMax) {
      await reader.cancel();
      return err("too_long");
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return ok(bytes);
}
