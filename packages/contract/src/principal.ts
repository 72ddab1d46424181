// Who acts, and what is demanded of every credential of theirs.

import { z } from "zod";
import { principalIdSchema } from "./ids.ts";

/** Also names that identity providers give (`corp:anna@example.com`). */
const principalNameSchema = z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,298}[\x21-\x7e])?$/);

export const principalChangeSchema = z
  .strictObject({
    principal: z.strictObject({ name: principalNameSchema, kind: z.enum(["human", "service"]) }),
    must_sign: z.boolean().meta({
      description:
        "Whether every key and every token of theirs is good for signed requests only (RFC 9421), whatever the key itself says.",
    }),
  })
  .meta({ id: "PrincipalChange" });
export type PrincipalChange = z.infer<typeof principalChangeSchema>;

export const principalSchema = z
  .strictObject({
    id: principalIdSchema,
    kind: z.enum(["human", "service", "agent"]),
    name: z.string(),
    must_sign: z.boolean(),
  })
  .meta({ id: "Principal" });
export type Principal = z.infer<typeof principalSchema>;

export const principalListSchema = z
  .strictObject({ data: z.array(principalSchema) })
  .meta({ id: "PrincipalList" });
