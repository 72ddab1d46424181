// The keys that sealed fields rest on, one file each, for their owner alone. They are the one thing of an installation
// that is meant to be destroyed: who has a backup of the database and none of these has nothing of what was sealed.

import { join } from "node:path";
import { SEALING_KEY_BYTES, sealingPublicKey } from "../../core/audit/sealed.ts";
import type { SealingFiles } from "../../ports.ts";
import { systemCode } from "./file-error.ts";
import { diskOperations, type FileOperations } from "./file-operations.ts";

/** @param folder absolute; made when it is missing */
export function openSealingFiles(folder: string, operations: FileOperations = diskOperations): SealingFiles {
  const fileOf = (publicKey: Uint8Array): string =>
    join(folder, `${Buffer.from(publicKey).toString("hex")}.key`);
  // Written before anything is destroyed, and kept: a home that never had a key must not say that it is gone.
  const recordOf = (publicKey: Uint8Array): string =>
    join(folder, `${Buffer.from(publicKey).toString("hex")}.destroyed`);
  const isRecorded = async (publicKey: Uint8Array): Promise<boolean> =>
    (await operations.size(recordOf(publicKey))) !== null;
  const read: SealingFiles["read"] = async (publicKey) => {
    const seed = await operations.read(fileOf(publicKey), SEALING_KEY_BYTES);
    // Half a file is what a crash leaves while it is made, and zeros while it is destroyed.
    if (seed?.byteLength !== SEALING_KEY_BYTES) return null;
    return sealingPublicKey(seed).equals(publicKey) ? seed : null;
  };
  return {
    read,
    async find(publicKey): Promise<"held" | "destroyed" | "absent"> {
      if ((await read(publicKey)) !== null) return "held";
      return (await isRecorded(publicKey)) ? "destroyed" : "absent";
    },
    async keep(seed): Promise<void> {
      await operations.makeFolder(folder);
      const file = fileOf(sealingPublicKey(seed));
      await operations.create(file, seed);
      await operations.sync(file);
      await operations.sync(folder);
    },
    async destroy(publicKey): Promise<void> {
      try {
        await operations.create(recordOf(publicKey), new Uint8Array());
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw error;
      }
      await operations.sync(folder);
      const file = fileOf(publicKey);
      if ((await operations.size(file)) === null) return;
      await operations.overwrite(file, new Uint8Array(SEALING_KEY_BYTES));
      await operations.sync(file);
      await operations.remove(file);
      await operations.sync(folder);
    },
  };
}
