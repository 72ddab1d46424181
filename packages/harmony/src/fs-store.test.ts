import { openFsStore } from "./fs-store.ts";
import { storeContract } from "./store.contract.ts";
import { newRoot } from "./testing/root.ts";

storeContract("files", () => openFsStore(newRoot()));
