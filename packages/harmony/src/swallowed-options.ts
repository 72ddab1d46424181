// `harmony audit --type --json`: the parser takes what follows an option for its value, also where it is an option
// itself. Then `--json` is the event looked for, nothing is found, and a program waits for JSON that never comes.

/** What is looked at of the program's options and commands. */
type Option = {
  readonly flags: string;
  readonly required: boolean;
  readonly short?: string | undefined;
  readonly long?: string | undefined;
};
type Command = {
  readonly name: () => string;
  readonly options: readonly Option[];
  readonly commands: readonly Command[];
};

const isNamed = (word: string | undefined, { short, long }: Option): boolean =>
  word !== undefined && (word === short || word === long);

/** The first word that is a command and no option's value. */
function commandOf(root: Command, typed: readonly string[]): Command | undefined {
  const isValue = (at: number): boolean =>
    root.options.some((option) => option.required && isNamed(typed[at - 1], option));
  const name = typed.find((word, at) => !isValue(at) && root.commands.some((known) => known.name() === word));
  return root.commands.find((known) => known.name() === name);
}

/**
 * In: the program, and what was typed. Out: what to say where an option stands in the place of another one's value; null
 * where none does. (A value that reads like an option is written with an equals sign.)
 */
export function findSwallowed(root: Command, words: readonly string[]): string | null {
  const end = words.indexOf("--");
  const typed = end < 0 ? words : words.slice(0, end);
  const options = [...root.options, ...(commandOf(root, typed)?.options ?? [])];
  for (const [at, word] of typed.entries()) {
    const taker = options.find((option) => option.required && isNamed(word, option));
    const taken = typed[at + 1];
    if (taker === undefined || !options.some((option) => isNamed(taken, option))) continue;
    return `option '${taker.flags}' argument missing (write ${taker.long ?? word}=${taken} if ${taken} is meant)`;
  }
  return null;
}
