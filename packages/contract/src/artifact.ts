import { z } from "zod";
import { artifactIdSchema } from "./ids.ts";

export const artifactSchema = z
  .strictObject({
    id: artifactIdSchema,
    name: z.string().meta({ examples: ["changes.patch"] }),
    media_type: z.string(),
    size_bytes: z.int().min(0),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Artifact", description: "A finished output of a run, named by what it holds." });
export type Artifact = z.infer<typeof artifactSchema>;
