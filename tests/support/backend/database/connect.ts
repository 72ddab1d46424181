// The plan's name for it (seeds/harness-testing-suite-plan.md).
export { connectThrowAwayDatabase } from "../../database.ts";
