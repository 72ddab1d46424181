import { parseId } from "@assent/harmony";

/** The 32 bytes of a content id. Throws HarmonyError `invalid_id` for anything else. */
export const idBytes = (id: string, what?: string): Buffer =>
  Buffer.from(parseId(id, what).slice("sha256:".length), "hex");

/** The content id of those 32 bytes. */
export const idOf = (bytes: Buffer): string => `sha256:${bytes.toString("hex")}`;
