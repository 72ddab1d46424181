// What backends' tokenizers and templates take for a boundary, as they publish it, and what hides it from a guard that looks
// for it as it is written. The suite's own list: a harness is not asked what it knows.

const words = (text: string): readonly string[] => text.split(" ");

export const CONTROL_TOKENS: readonly string[] = [
  ...words("<|endoftext|> <|start|> <|end|> <|message|> <|channel|> <|call|> <|return|> <|constrain|>"),
  ...words("<|im_start|> <|im_end|> <|im_sep|> <tool_call> </tool_call> <tool_response> <think> </think>"),
  ...words(
    "[INST] [/INST] <<SYS>> <</SYS>> <s> </s> <|begin_of_text|> <|start_header_id|> <|end_header_id|>",
  ),
  ...words("<|eot_id|> <|eom_id|> <|python_tag|> <|header_start|> <|eot|> [TOOL_CALLS] [AVAILABLE_TOOLS]"),
  ...words("[/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [SYSTEM_PROMPT] <start_of_turn> <end_of_turn>"),
  ...words(
    "<bos> <eos> <|turn> <turn|> <｜User｜> <｜Assistant｜> <｜end▁of▁sentence｜> <｜tool▁calls▁begin｜>",
  ),
  ...words("<|system|> <|user|> <|assistant|> <|START_OF_TURN_TOKEN|> <|CHATBOT_TOKEN|> [gMASK] <sop>"),
  ...words("<|observation|> <|tool_calls_section_begin|> <|start_of_role|> <|end_of_role|> <|tool_call|>"),
  ...words("<|fim_prefix|> <|endofprompt|> <|im_user|> <｜begin▁of▁sentence｜> <｜tool▁outputs▁begin｜>"),
  "\n\nHuman:",
  "\n\nAssistant:",
];

/** Ways to write a token. The last two are none, until somebody behind the guard reads them as more than they say. */
export const DISGUISES: readonly ((token: string) => string)[] = [
  (token) => token,
  (token) => token.replaceAll("|", "｜").replaceAll("<", "＜"),
  (token) => `${token.slice(0, 2)}\u200b${token.slice(2)}`,
  (token) => `{{${token}}}\u202e`,
  // Whoever takes the inner one out, and does not look again, has made the outer one.
  (token) => `${token.slice(0, 2)}${token}${token.slice(2)}`,
  (token) => token.replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("[", "&#91;"),
  (token) => token.replaceAll("<", String.raw`\u003c`).replaceAll("[", String.raw`\x5b`),
];

const HIDDEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

// As a gateway may pass it on: normalised, and rid of what cannot be seen.
const readings = (text: string): readonly string[] => [
  text,
  text.normalize("NFKC"),
  text.replaceAll(HIDDEN, "").normalize("NFKC"),
];

const WRITTEN = [...new Set(CONTROL_TOKENS.flatMap((token) => [token, token.normalize("NFKC")]))];

/** The first of them that stands in the text as a backend may read it. */
export function controlTokenIn(text: string): string | undefined {
  const read = readings(text);
  return WRITTEN.find((token) => read.some((reading) => reading.includes(token)));
}
