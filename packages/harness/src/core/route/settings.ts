// What an operator can say of models, as it stands in the configuration file under `models`.

import { modelNameSchema, nameSchema } from "@assent/contract";
import { z } from "zod";
import { profileSchema } from "./profile.ts";
import { PERSONAL_KINDS } from "../redact/personal.ts";
import { modelPatternSchema, modelRulesSchema } from "./rules.ts";

const promptRedactionSchema = z.strictObject({
  /** As generous as a forbid: other cases of a name, and names with something after it, are meant too. */
  models: z.array(modelPatternSchema).min(1).max(200),
  what: z.array(z.enum(["secrets", ...PERSONAL_KINDS])).min(1),
});
export type PromptRedaction = z.infer<typeof promptRedactionSchema>;

const classesSchema = z.record(nameSchema, z.array(nameSchema).min(1).max(20));

export const modelSettingsSchema = z.strictObject({
  rules: modelRulesSchema.optional(),
  /** What is taken out of prompts before they leave for these models. */
  redact: z.array(promptRedactionSchema).max(100).default([]),
  /** `cheapest`: of the agent's models that may answer, the one whose call can cost least is asked first. */
  order: z.enum(["listed", "cheapest"]).default("listed"),
  catalogue: z.record(modelNameSchema, profileSchema).default({}),
  /** Which classes of data a run holds that works on a workspace, or that has been told something by a tool. */
  data: z
    .strictObject({ workspaces: classesSchema.default({}), tools: classesSchema.default({}) })
    .prefault({}),
});

export type ModelSettings = z.infer<typeof modelSettingsSchema>;

export const DEFAULT_MODEL_SETTINGS: ModelSettings = modelSettingsSchema.parse({});
