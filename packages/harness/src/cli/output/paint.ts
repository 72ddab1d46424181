const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof CODES;

/** Colours text that is ours, or was made visible before: the codes it adds are the only ones that get out. */
export type Paint = (style: Style, text: string) => string;

export function createPaint(enabled: boolean): Paint {
  return (style, text) => (enabled ? `\u001B[${CODES[style]}m${text}\u001B[0m` : text);
}
