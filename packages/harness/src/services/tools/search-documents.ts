// Passages of the tenant's own documents, for a model to read. Whoever put a document there may have written anything
// into it, so all of it is untrusted, its name included; each passage keeps a pointer to where it stands.

import { type DocumentId, type Passage, PASSAGES_DEFAULT, PASSAGES_MAX } from "@assent/contract";
import { z } from "zod";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { err, ok } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { QUESTION_CHARS_MAX, SEARCH_DOCUMENTS } from "../../core/retrieval/opening.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Tool, ToolResult } from "../../ports.ts";
import { cutTo, oneLine } from "./output.ts";
import { parseArguments, textSchema } from "./workspace-tool.ts";

const schema = z.strictObject({
  query: textSchema(QUESTION_CHARS_MAX).min(1).describe("A question, or words to look for."),
  limit: z
    .int()
    .min(1)
    .max(PASSAGES_MAX)
    .describe(`Passages to return, ${PASSAGES_DEFAULT} when left out.`)
    .optional(),
});

const NO_DOCUMENTS: StepError = { code: "no_documents", detail: "There are no documents in this place." };

export const searchDocumentsTool: Tool = {
  scope: "world",
  manifest: {
    name: SEARCH_DOCUMENTS,
    version: "1",
    description:
      "Searches the organisation's documents and returns the passages that fit best, each with its document and place.",
    inputSchema: z.toJSONSchema(schema, { io: "input" }),
    effect: "none",
    harm: [],
    controlArguments: [],
    returns: "untrusted",
  },
  plan: async (args) => {
    const parsed = parseArguments(schema, args);
    if (!parsed.ok) return await Promise.resolve(parsed);
    const { query } = parsed.value;
    const summary = `Search the documents for ${JSON.stringify(oneLine(visibleText(cutTo(query, 200))))}`;
    return ok({ summary, preview: null, precondition: null });
  },
  execute: async (args, _precondition, { searchDocuments }) => {
    const parsed = parseArguments(schema, args);
    if (!parsed.ok) return parsed;
    if (searchDocuments === undefined) return err(NO_DOCUMENTS);
    const { query, limit } = parsed.value;
    return ok(resultOf(await searchDocuments(query, limit ?? PASSAGES_DEFAULT)));
  },
};

/** `document:<id>#<place>`: what an approver is shown as the source of a value that stands in the passage. */
export const passageSource = (document: DocumentId, passage: number): string =>
  `document:${document}#${passage}`;

function resultOf(passages: readonly Passage[]): ToolResult {
  if (passages.length === 0) return { output: "No passage of any document fits.", label: "untrusted" };
  let output = "";
  const parts: { source: string; start: number; end: number }[] = [];
  for (const [index, passage] of passages.entries()) {
    const name = oneLine(visibleText(cutTo(passage.document_name, 200)));
    const head = `[${index + 1}] ${passage.document_id}, passage ${passage.passage} of ${passage.passages}: ${name}\n`;
    const text = visibleText(passage.text.replaceAll("\r\n", "\n"));
    if (output.length + head.length + text.length + 2 > TOOL_OUTPUT_CHARS_MAX) break;
    // The head counts as the document's: its name is whatever somebody called it.
    const start = output.length;
    output += `${head}${text}`;
    parts.push({
      source: passageSource(passage.document_id, passage.passage),
      start,
      end: output.length,
    });
    output += "\n\n";
  }
  return { output: output.trimEnd(), label: "untrusted", parts };
}
