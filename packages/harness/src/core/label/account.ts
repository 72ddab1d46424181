// Account, card and telephone numbers: people write them in groups and machines without. Only where a check digit or a
// leading `+` says that the groups are one number, so that numbers standing side by side do not become a new one.

/** Groups that one number is written in. */
export const ACCOUNT_GROUPS_MAX = 10;

/** `a:` and the number without its groups, or null. Takes folded text. */
export function accountKey(text: string): string | null {
  if (text.length < 8 || text.length > 42) return null;
  const bare = text.replaceAll(/[\s-]/g, "");
  if (/^\+\d{8,15}$/.test(bare) || isIban(bare) || isCard(bare)) return `a:${bare}`;
  return null;
}

/** ISO 13616: country, two check digits, up to 30 letters and digits; the whole is 1 modulo 97. */
function isIban(text: string): boolean {
  if (!/^[a-z]{2}\d{2}[a-z0-9]{11,30}$/.test(text)) return false;
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** ISO/IEC 7812: 13 to 19 digits whose last is right by Luhn's sum. */
function isCard(text: string): boolean {
  if (!/^\d{13,19}$/.test(text)) return false;
  let sum = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = Number(text.charAt(text.length - 1 - index));
    sum += index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}
