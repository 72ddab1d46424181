import { z } from "zod";

export const sha256Schema = z.string().regex(/^sha256:[0-9a-f]{64}$/);
