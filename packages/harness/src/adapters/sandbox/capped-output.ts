import type { CappedText } from "../../ports.ts";

/** Keeps the beginning of a stream and counts the rest. */
export class CappedOutput {
  bytesSeen = 0;
  readonly #bytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #bytesKept = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Uint8Array): void {
    this.bytesSeen += chunk.byteLength;
    const kept = chunk.subarray(0, this.#bytesMax - this.#bytesKept);
    if (kept.byteLength === 0) return;
    this.#chunks.push(kept);
    this.#bytesKept += kept.byteLength;
  }

  /** Bytes that are no UTF-8 become replacement characters, also a character that the cap cut in two. */
  text(): CappedText {
    return {
      text: new TextDecoder().decode(Buffer.concat(this.#chunks)),
      bytesDropped: this.bytesSeen - this.#bytesKept,
    };
  }
}
