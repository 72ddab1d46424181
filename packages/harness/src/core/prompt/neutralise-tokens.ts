// What the chat templates of the supported backends are made of, as their published tokenizer files and templates
// name it. Not a list of attacks: every control token of a backend belongs here, whoever could use it.

export type TokenPattern = {
  readonly pattern: RegExp;
  /** Where the backslash goes: behind the opening sign, or before the last sign. */
  readonly breakAt: "after_first" | "before_last";
};

/**
 * The source with each letter as a pair of its two cases. It stands in for `(?i:…)`, which V8 13.6 forgets in an expression
 * that it compiles without optimising: that is what it does to all that come after the first megabyte of compiled
 * expressions in a process, so the tokens were whole again in one that had run for long. The other letters that `i`
 * takes for these (a long s, the sign of Kelvin) are folded before.
 * @param source of letters outside of escapes, whose other case is meant too
 */
export const anyCase = (source: string): string =>
  source.replaceAll(/[a-z]/gu, (letter) => `[${letter}${letter.toUpperCase()}]`);

// Bounded, because an unbounded gap beside another makes a search quadratic.
const GAP = String.raw`\s{0,8}`;

// OpenAI, Harmony, ChatML and Qwen, Llama 3 and 4, Phi, Command, GLM, Kimi, Granite, InternLM and DeepSeek (whose bars
// and low lines are other characters, folded before): any name between bars, known or not. Gemma 4 has one bar only.
const BARRED_NAME = String.raw`[\p{L}\p{N}_.:\-]{1,64}`;
const BARRED: readonly string[] = [
  String.raw`<\|${BARRED_NAME}\|>`,
  String.raw`<\|${BARRED_NAME}>`,
  String.raw`<${BARRED_NAME}\|>`,
  // DeepSeek 3.2 marks its calls `<｜DSML｜invoke …>`.
  String.raw`<${GAP}/?${GAP}\|${GAP}(?:${anyCase("dsml")})${GAP}\|`,
];

// With gaps only these, because `f <| x |> g` is sound code in F#.
const SPACED_NAMES = [
  "im[_ -]?(?:start|end|sep)",
  "(?:start|end)[_ -]?(?:header[_ -]?id|of[_ -]?text|of[_ -]?role|of[_ -]?turn(?:[_ -]?token)?|of[_ -]?sentence)",
  "(?:header|system|user|chatbot)[_ -]?(?:start|end|token)",
  "(?:begin|end)[_ -]?of[_ -]?(?:text|sentence)",
  "eot(?:[_ -]?id)?|eom(?:[_ -]?id)?|python[_ -]?(?:tag|start|end)|endoftext|endofprompt",
  "start|end|message|channel|constrain|return|call|refusal|system|user|assistant|tool|developer|observation",
  "tool[_ -]?(?:call|calls|sep|response|list|outputs?)(?:[_ -]?(?:section|begin|end|start|argument))*",
].join("|");
const SPACED: readonly string[] = [String.raw`<${GAP}\|${GAP}(?:${anyCase(SPACED_NAMES)})${GAP}\|${GAP}>`];

// Tags without bars: Gemma, Hermes and Qwen, Llama's `<function=`, Anthropic's legacy calls, GLM, Command, Seed,
// Nemotron, Llama 2 and Mistral (sentence marks).
const TAGS = [
  "start_of_turn|end_of_turn|start_of_image|end_of_image|bos_token|eos_token|pad_token|unk_token|cls_token|mask_token|eop_token|eoseg_token",
  "tool_call|tool_calls|tool_response|tool_responses|tool_code|tool_outputs?|think|arg_key|arg_value",
  "function_calls?|function_results?|function_response",
]
  .join("|")
  .replaceAll("_", "[_ -]?");
const TAGGED: readonly string[] = [
  String.raw`<${GAP}/?${GAP}(?:${anyCase(TAGS)})(?=[\s/>=|])`,
  String.raw`<${GAP}/?${GAP}(?:${anyCase("antml|seed|minimax")}):\w`,
  String.raw`<${GAP}/?${GAP}(?:${anyCase("function|parameter")})${GAP}=`,
  String.raw`<${GAP}/?${GAP}(?:${anyCase("invoke|parameter")})\s{1,8}(?:${anyCase("name")})${GAP}=`,
  String.raw`<${GAP}/?${GAP}(?:${anyCase("s|bos|eos|pad|unk|mask|sop|eop|function|invoke|unused[0-9]{1,4}|extra_id_[0-9]{1,3}|special_[0-9]{1,4}")})${GAP}>`,
  String.raw`<${GAP}<${GAP}/?${GAP}(?:${anyCase("sys")})${GAP}>`,
];

// Mistral, and GLM's `[gMASK]`. The second row are everyday words: only as the tokenizer spells them.
const BRACKETED: readonly string[] = [
  String.raw`\[${GAP}/?${GAP}(?:${anyCase("inst|tool[_ -]?calls|available[_ -]?tools|tool[_ -]?results|tool[_ -]?content|system[_ -]?prompt|model[_ -]?settings|g?mask|smask|call_id|img_(?:break|end)|begin_audio|control_[0-9]{1,4}|reference_doc_[0-9]{1,4}")})${GAP}\]`,
  String.raw`\[/?(?:IMG|PREFIX|SUFFIX|MIDDLE|ARGS|AUDIO|THINK|TRANSCRIBE)\]`,
  // MiniMax.
  String.raw`\]~b\]|\]~!b\[`,
  String.raw`\[e~\[`,
  String.raw`\]<\]minimax\[>\[`,
];

// Anthropic before the Messages API: a turn begins after an empty line. A text may be put behind one by a template.
const LINE = String.raw`(?:\r\n|[\n\r\v\f\x85\u2028\u2029])`;
const BLANK = String.raw`[^\S\n\r\v\f\x85\u2028\u2029]{0,8}`;
const LEGACY = String.raw`(?<=(?:^|${LINE}${BLANK}${LINE})${BLANK})(?:${anyCase("human|assistant")})${BLANK}:`;

export const CONTROL_TOKEN_PATTERNS: readonly TokenPattern[] = [
  {
    pattern: new RegExp([...BARRED, ...SPACED, ...TAGGED, ...BRACKETED].join("|"), "gu"),
    breakAt: "after_first",
  },
  { pattern: new RegExp(LEGACY, "gu"), breakAt: "before_last" },
];
