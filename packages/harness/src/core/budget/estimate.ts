// How many tokens a prompt can be, before anybody has counted them. A guess from characters is wrong by a factor of
// four on emoji (spec/libraries.md, Tokens), and an attacker picks the text; so everything here errs upwards.

import type { Message } from "../prompt/message.ts";
import type { Manifest } from "../tool.ts";

/** Tokens of a text, by one vocabulary. */
export type CountTokens = (text: string) => number;

/** What a provider counts as input. */
export type Input = {
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly Manifest[];
};

export type InputSize = {
  /** Everything that is sent, text by text. */
  readonly texts: readonly string[];
  /** UTF-8 bytes of all of them, and of the spoken ones alone. */
  readonly bytes: number;
  readonly spokenBytes: number;
  /** Tokens that the wire and its template put round the texts. */
  readonly allowance: number;
};

/** A template's own words: its preamble, and what it says of tools (Anthropic: about 350, Command: over 1,000). */
export const CALL_TOKENS = 2_048;
/** Role, separators, ids. */
export const MESSAGE_TOKENS = 16;
/** Around one tool's schema. */
export const TOOL_TOKENS = 64;

/** A byte-level vocabulary has no token shorter than one byte, so this many are never exceeded. */
export const tokensMax = ({ bytes, allowance }: InputSize): number => bytes + allowance;

/** Bytes that are really counted: base64 takes a millisecond a kilobyte, and a decision may take 50 ms. */
export const COUNTED_BYTES_MAX: number = 16 * 1024;
/** A vocabulary's own search is quadratic in one long word (Chinese has no other); in short pieces it is not. */
const PIECE_CHARS = 200;

/**
 * Vocabularies that are not ours: how many of their tokens one of ours may become. Anthropic's older one showed up to
 * 1.6 on odd texts; its newer ones are not published.
 */
const FACTORS: ReadonlyMap<string, number> = new Map([["anthropic", 1.5]]);

export function sizeOf({ system, messages, tools }: Input): InputSize {
  const spoken = [system];
  for (const message of messages) {
    spoken.push(message.text);
    if (message.role === "assistant" && message.toolCalls.length > 0)
      spoken.push(JSON.stringify(message.toolCalls));
  }
  const declared = tools.map(({ name, description, inputSchema }) =>
    JSON.stringify([name, description, inputSchema]),
  );
  const spokenBytes = bytesOf(spoken);
  return {
    texts: [...spoken, ...declared],
    bytes: spokenBytes + bytesOf(declared),
    spokenBytes,
    allowance: CALL_TOKENS + messages.length * MESSAGE_TOKENS + tools.length * TOOL_TOKENS,
  };
}

export const bytesOf = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/**
 * Tokens that the input is at most: the first `COUNTED_BYTES_MAX` bytes counted, each byte beyond them taken for a
 * token. Bounded in time whatever the text is.
 * @param model `<provider>/<model>`: its provider decides by how much the count is raised
 */
export function estimateTokens(size: InputSize, model: string, countTokens: CountTokens): number {
  const factor = FACTORS.get(model.slice(0, model.indexOf("/"))) ?? 1;
  let tokens = 0;
  let countedBytes = 0;
  for (const piece of piecesOf(size.texts)) {
    const bytes = Buffer.byteLength(piece);
    if (countedBytes + bytes > COUNTED_BYTES_MAX) break;
    countedBytes += bytes;
    // Another vocabulary may need more, and never more than one a byte.
    tokens += Math.min(bytes, Math.ceil(countTokens(piece) * factor));
  }
  return tokens + (size.bytes - countedBytes) + size.allowance;
}

function* piecesOf(texts: readonly string[]): Generator<string> {
  for (const text of texts) {
    for (let at = 0; at < text.length; at += PIECE_CHARS) yield text.slice(at, at + PIECE_CHARS);
  }
}
