export { type Capability, CAPABILITIES } from "./capability.ts";
export { SCENARIOS } from "./catalogue.ts";
export { type ChaosEntry, type ChaosReport, type ChaosWorld, runChaos } from "./chaos/run-chaos.ts";
export {
  type ChaosEvent,
  type ChaosPlan,
  type ChaosSchedule,
  drawSchedule,
  shrinkSchedule,
} from "./chaos/schedule.ts";
export { type ArmedFault, type DatabaseBench, type StatementFault } from "./database-bench.ts";
export { DRILLS } from "./drills/drills.ts";
export { type Trial } from "./evidence.ts";
export { createFailpoints, type Failpoints, type PointFault, withFailpoints } from "./faults/failpoints.ts";
export { MCP_TOOL, type McpDouble, type McpTool, startMcpServer } from "./faults/mcp-server.ts";
export { type ObjectFault, type ObjectServer, startObjectServer } from "./faults/object-server.ts";
export { startTokenIssuer, type TokenChange, type TokenIssuer } from "./faults/token-issuer.ts";
export {
  startTcpProxy,
  type TcpProxy,
  type WireFault,
  type WireFaultKind,
  type WirePlace,
} from "./faults/tcp-proxy.ts";
export { startWebHost, type WebHost } from "./faults/web-host.ts";
export {
  type CommandBench,
  type DeputyBench,
  type EgressBench,
  type McpBench,
  type SettingsBench,
} from "./guard-benches.ts";
export { type Invariant, INVARIANTS, violationsOf } from "./invariants.ts";
export { type Observation } from "./observation.ts";
export { invariantsPage } from "./invariants-page.ts";
export { LEAK_BYTES } from "./objectives.ts";
export { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "./otlp-receiver.ts";
export { junitReport } from "./reports/junit.ts";
export { sarifReport } from "./reports/sarif.ts";
export { closingLine, failureReport, trialLine } from "./reports/summary.ts";
export { runTrial, runTrials, type TrialOptions } from "./runner.ts";
export {
  type MemoryReading,
  isGrowing,
  type Slope,
  SLOPE_BYTES_MIN,
  theilSenSlope,
  wouldShowLeak,
} from "./slope.ts";
export { LEFT_TO_THE_NIGHT, type Pace, PACE, type Scenario, type ScenarioContext } from "./scenario.ts";
export { isOfSecuritySet, SECURITY_SET, type SecurityMember } from "./security-set.ts";
export { threatModelPage } from "./threat-model-page.ts";
export { type Threat, THREATS } from "./threats.ts";
export { type Verdict } from "./verdict.ts";
export type { MemoryBench } from "./memory-bench.ts";
export {
  capabilitiesOf,
  type DrillBench,
  type EndingBench,
  type EndingPoint,
  foreignTarget,
  type GatedTask,
  type ObservationBench,
  type RollbackBench,
  type SigningBench,
  type DeadLetterBench,
  type Canary,
  type PathBench,
  type PathCall,
  type ProviderBench,
  type ProviderBoard,
  type Role,
  SPOKEN,
  type StateMachineInspection,
  type Target,
  type TransitionAttempt,
} from "./target.ts";
export { type SinkCall, type SinkCue, startToolSink, type ToolSink } from "./tool-sink.ts";
export { type BenchOptions, type BenchResult, runBench } from "./worlds/bench.ts";
export { type ConnectedHarness, type Connection, connectHarness } from "./worlds/session.ts";
export { benchTable, figuresOf, leaksOf, peaceOf } from "./worlds/table.ts";
