export type { Harness } from "./services/harness.ts";
