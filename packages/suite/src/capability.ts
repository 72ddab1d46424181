// What a scenario can need of a system under test. A target that lacks something gets SKIP with its name, so that a
// report says what was not looked at instead of passing over it.

export const CAPABILITIES = {
  submit: "POST /api/harness/run and GET /api/harness/runs/{id}, with a requester's key",
  approve: "POST /api/harness/approve, an approver's key, and a task that stops at a gate",
  cancel: "POST /api/harness/runs/{id}/cancel",
  list: "GET /api/harness/runs",
  events: "GET /api/harness/runs/{id}/events as JSON",
  event_stream: "GET /api/harness/runs/{id}/events as server-sent events",
  artifacts: "GET /api/harness/runs/{id}/artifacts/{artifact_id}",
  contract: "answers that fit the schemas of @assent/contract to the letter",
  external_runs: "POST /api/harness/run with the driver `external`, and the routes of its actions",
  documents: "POST, GET, DELETE /api/harness/documents, and an agent that is given passages of them",
  plans:
    "POST /api/harness/runs/{id}/plan of a run with the driver `external`, and the routes of its actions",
  precedents: "GET /api/harness/precedents and their revocation",
  open_api: "GET /openapi.json: every route, whether it is open to all, and the scope that it needs",
  quota: "a route with a quota, and keys of principals who have not used any of it",
  audit_log:
    "GET /api/harness/audit/logs, its checkpoints and entries, proofs of events, and the key of an auditor",
  second_principal: "the key of another principal of the same tenant",
  second_tenant: "the key of a principal of another tenant",
  second_auditor: "the key of who may read the audit log of another tenant, and not the requester's",
  administrators: "keys of two principals who may do everything, each in a tenant of its own",
  second_approver: "the key of a second person of the tenant who may decide",
  self_approver: "the key of a person of the tenant who may submit runs and decide",
  two_processes: "two server processes on one state",
  restart: "all server processes can be stopped and started again on the state they left",
  kill: "a process can be killed without warning",
  tool_sink: "a gated task whose effect arrives at the suite's own tool sink",
  effect_first: "a task whose effect at the sink comes before a question of the same turn",
  stored_arguments: "what is stored of an open question can be changed behind the target's back",
  exhausted_attempts: "the attempts of a run that waits can be used up behind the target's back",
  held_end:
    "the end of a run can be held up behind the target's back, while its artifacts are stored or recorded",
  compensation: "tasks that have effects at the sink and then fail, and that take them back there",
  driven_compensation:
    "runs with the driver `external` whose manifests name a compensation, and a tool of the target's own that takes back at the sink what a driver did there",
  memory: "its heap can be read after a garbage collection",
  database: "faults in its database, a look at what is stored there, and GET /readyz",
  signing: "a principal whose key is good for signed requests only, and the private half of its signing key",
  access_events: "GET /api/harness/access-events, with the key of who may read them",
  provider: "the models that the target calls are the suite's own servers",
  outages:
    "one agent asks a provider of the suite's own only, whose failures the target meets with short pauses",
  full_queue: "so few runs of a tenant may be queued that the suite can queue them all",
  paths: "the suite speaks for the model, and files of its own lie around the workspace",
  path_links: "links can be put into the copy that a run works on, while it works",
  deputy: "the suite speaks for the model of an agent whose tools end at the suite's own tool sink",
  mcp: "that agent has a tool of the suite's own MCP server",
  egress: "that agent fetches URLs, and hosts of the suite's own are on the target's list",
  "egress.reachable": "addresses of those hosts may be reached, although they are this machine's",
  commands: "an agent runs programs, and the suite speaks for its model",
  settings: "a target can be started with a setting that is misspelt",
  tokens: "bearer tokens of an identity provider that is the suite's own",
  observation: "what it tells of itself is sent to the suite: spans, metrics and its log",
  faults: "named faults can be armed, and it can be told how often they fired",
  "inspect.state_machine": "single transitions can be put to the target's code",
  "inspect.sinks": "what the target writes where no request reads it (log, audit, queue, traces) can be read",
  db: "transitions can be put to the target's database, around its code",
} as const;

export type Capability = keyof typeof CAPABILITIES;
