// What tells of a person rather than lets somebody in: addresses, account and card numbers, telephone numbers, in the forms
// in which people write them. By rule; where a number has check digits, they decide. Linear in the text.

import { accountKey } from "../label/account.ts";

export const PERSONAL_KINDS = ["addresses", "accounts", "telephones"] as const;
export type PersonalKind = (typeof PERSONAL_KINDS)[number];

type Rule = {
  readonly pattern: RegExp;
  readonly mark: string;
  /** How much of what was found, from its start, is one; 0: nothing. */
  readonly lengthOf: (text: string) => number;
};

const all = (text: string): number => text.length;

/** Words that follow an account look like more of its groups: its check digits say where it ends. */
function accountLength(text: string): number {
  for (
    let end = text.length;
    end > 0;
    end = Math.max(text.lastIndexOf(" ", end - 1), text.lastIndexOf("-", end - 1))
  ) {
    const key = accountKey(text.slice(0, end).toLowerCase());
    if (key !== null && !key.startsWith("a:+")) return end;
  }
  return 0;
}

const RULES: { readonly [K in PersonalKind]: readonly Rule[] } = {
  addresses: [
    {
      pattern: /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,63}/gu,
      mark: "[address]",
      lengthOf: all,
    },
  ],
  accounts: [
    { pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/gi, mark: "[account]", lengthOf: accountLength },
    { pattern: /\b\d(?:[ -]?\d){12,18}\b/g, mark: "[account]", lengthOf: accountLength },
  ],
  telephones: [
    {
      pattern: /(?<![\w+])(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,14}(?!\w)/g,
      mark: "[telephone]",
      lengthOf: all,
    },
  ],
};

/** Never longer than the text was: what was set aside for it in a budget is enough. */
export function redactPersonal(text: string, kinds: readonly PersonalKind[]): string {
  let clean = text;
  for (const { pattern, mark, lengthOf } of kinds.flatMap((kind) => RULES[kind]))
    clean = clean.replaceAll(pattern, (found) => {
      const length = lengthOf(found);
      return (mark.length <= length ? mark : "*".repeat(length)) + found.slice(length);
    });
  return clean;
}
