/** By the English word that tools are named with: forms of another language, separated by spaces. */
export type Lexicon = {
  /** What somebody is asked to do. */
  readonly acts: Readonly<Record<string, string>>;
  /** What it is done to; it asks for nothing, whatever its English word may also mean. */
  readonly things: Readonly<Record<string, string>>;
};
