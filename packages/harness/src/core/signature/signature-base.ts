// RFC 9421 section 2: what is signed of a request, as the text that both sides build from what they have.

import { type InnerList, serializeInnerList, serializeItem } from "structured-headers";

export type SignedMessage = {
  readonly method: string;
  /** Host in lower case, with its port where it is not the scheme's own. */
  readonly authority: string;
  readonly path: string;
  /** With its question mark; `?` where there is no query. */
  readonly query: string;
  /** By name in lower case; values as they came, without white space around them. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
};

const DERIVED: Readonly<Record<string, (message: SignedMessage) => string>> = {
  "@method": ({ method }) => method,
  "@authority": ({ authority }) => authority,
  "@path": ({ path }) => path,
  "@query": ({ query }) => query,
};

/** Null where the message lacks a covered component. Parameters of components are not supported: none may be there. */
export function signatureBase(message: SignedMessage, input: InnerList): string | null {
  const lines: string[] = [];
  for (const [name, parameters] of input[0]) {
    if (typeof name !== "string" || parameters.size > 0) return null;
    const value = DERIVED[name]?.(message) ?? (name.startsWith("@") ? undefined : message.fields.get(name));
    if (value === undefined || /[\r\n]/.test(value)) return null;
    lines.push(`${serializeItem([name, parameters])}: ${value}`);
  }
  return [...lines, `"@signature-params": ${serializeInnerList(input)}`].join("\n");
}
