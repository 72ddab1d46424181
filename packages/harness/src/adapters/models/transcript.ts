// The file format of the scripted provider, described for authors in examples/README.md.

import { nameSchema } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { isPlainObject } from "./text.ts";
import { parseTemplate } from "./template.ts";

const callSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/),
  tool: nameSchema,
  arguments: z.record(z.string(), z.json()),
});

const turnSchema = z
  .strictObject({
    expect: z
      .strictObject({ last_tool: z.string().optional(), text_includes: z.array(z.string()).optional() })
      .optional(),
    on_error: z.strictObject({ text: z.string().min(1) }).optional(),
    text: z.string().default(""),
    tool_calls: z.array(callSchema).default([]),
  })
  .refine((turn) => turn.text !== "" || turn.tool_calls.length > 0, "says nothing and calls nothing");

const transcriptSchema = z.strictObject({
  version: z.literal(1),
  description: z.string().min(1),
  turns: z
    .array(turnSchema)
    .min(1)
    .refine((turns) => {
      const ids = turns.flatMap((turn) => turn.tool_calls.map((call) => call.id));
      return new Set(ids).size === ids.length;
    }, "a call id is used twice"),
});

export type Transcript = z.infer<typeof transcriptSchema>;
export type Turn = Transcript["turns"][number];

/** Reads a transcript's text; the error says where it is wrong. */
export function parseTranscript(text: string): Result<Transcript, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("it is not JSON");
  }
  const parsed = transcriptSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return err(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "does not fit"}`);
  }
  return ok(parsed.data);
}

/**
 * What can be seen to be wrong with a transcript's insertions before any run, or null. They may use the results of
 * calls of earlier turns only: no other is there when they are filled in.
 */
export function wrongInsertion({ turns }: Transcript): string | null {
  const ids = new Set<string>();
  for (const [at, turn] of turns.entries()) {
    for (const text of [turn.text, ...turn.tool_calls.flatMap((call) => stringsOf(call.arguments))]) {
      const template = parseTemplate(text);
      if (!template.ok) return `turn ${at + 1}: ${template.error}`;
      for (const piece of template.value) {
        if (typeof piece !== "string" && !ids.has(piece.callId))
          return `turn ${at + 1}: no earlier turn makes the call "${piece.callId}"`;
      }
    }
    for (const { id } of turn.tool_calls) ids.add(id);
  }
  return null;
}

function stringsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  return isPlainObject(value) ? Object.values(value).flatMap(stringsOf) : [];
}
