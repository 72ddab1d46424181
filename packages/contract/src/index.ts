export * from "./approval.ts";
export * from "./artifact.ts";
export * from "./event.ts";
export * from "./ids.ts";
export * from "./key.ts";
export * from "./problem.ts";
export * from "./run.ts";
export * from "./step.ts";
