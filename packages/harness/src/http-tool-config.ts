// Tools behind HTTP as an operator declares them. What is left out is taken at its worst (DESIGN.md section 5).

import { effectSchema, harmSchema, namedBySchema, nameSchema } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "./base/result.ts";
import { variableSchema } from "./core/mcp/mcp-config.ts";

const urlSchema = z.url({ protocol: /^https?$/ }).refine((text) => {
  const url = URL.parse(text);
  return url !== null && url.username === "" && url.password === "";
}, "must be a URL without credentials; name the variable that holds the token in bearer_token_env");

// Said at the start and of the file: a call would find it out too, as a defect of ours.
const inputSchemaSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  if (schema["type"] !== "object") {
    context.addIssue({ code: "custom", message: 'must say "type": "object"' });
    return;
  }
  try {
    z.fromJSONSchema(schema);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    context.addIssue({ code: "custom", message: `is no JSON Schema that can be checked: ${error.message}` });
  }
});

export const httpToolSchema = z.strictObject({
  kind: z.literal("http"),
  url: urlSchema,
  /** The variable of the environment that holds the token; the token itself never stands in a file. */
  bearer_token_env: variableSchema.optional(),
  check_url: urlSchema.optional(),
  /** Where a call can be taken back, when the run fails after it. */
  compensation: z
    .strictObject({
      url: urlSchema,
      effect: z.enum(["idempotent", "once"]).default("once"),
      description: z.string().min(1).max(500),
    })
    .optional(),
  manifest: z.strictObject({
    name: nameSchema,
    version: z.string().min(1).max(100),
    description: z.string().min(1).max(2_000),
    input_schema: inputSchemaSchema,
    effect: effectSchema.default("once"),
    harm: z.array(harmSchema).default(["write", "egress", "money", "destructive"]),
    /** All of them where it is left out. */
    control_arguments: z.array(z.string()).optional(),
    named_by: namedBySchema.optional(),
    returns: z.enum(["trusted", "untrusted"]).default("untrusted"),
  }),
});

/** `bearerToken` is a secret: to be kept out of every text. */
export type HttpToolDeclared = z.infer<typeof httpToolSchema> & { readonly bearerToken: string | null };

type Refusal = { readonly code: string; readonly detail: string; readonly remedy: string };

export function readHttpTools(
  declared: readonly z.infer<typeof httpToolSchema>[],
  variable: (name: string) => string | undefined,
): Result<readonly HttpToolDeclared[], Refusal> {
  const tools: HttpToolDeclared[] = [];
  for (const tool of declared) {
    const name = tool.bearer_token_env;
    const bearerToken = name === undefined ? null : variable(name);
    if (bearerToken === undefined)
      return err({
        code: "tool_variable_missing",
        detail: `The tool ${tool.manifest.name} needs the variable ${name}, and it is not set.`,
        remedy: "Set it in the environment, or take it out of the configuration.",
      });
    tools.push({ ...tool, bearerToken });
  }
  return ok(tools);
}
