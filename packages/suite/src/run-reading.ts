// What the suite must understand of a harness's answers, read leniently: extra fields are nobody's fault. Whether an
// answer fits the contract to the letter is a check of its own (capability `contract`).

export type ApprovalReading = {
  readonly id: string;
  readonly status: string;
  readonly actionDigest: string;
  /** What is asked about; empty where it is not said. */
  readonly subject: string;
  /** The name of whose word it was; empty where it is not said. */
  readonly decidedBy: string;
};

export type ArtifactReading = {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number | null;
  readonly sha256: string;
};

export type RunReading = {
  readonly id: string;
  readonly status: string;
  readonly version: number | null;
  readonly approvals: readonly ApprovalReading[];
  readonly artifacts: readonly ArtifactReading[];
};

export const TERMINAL_STATES: readonly string[] = ["succeeded", "failed", "cancelled", "dead_lettered"];

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of a JSON object; none for anything else. */
export function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const rowsOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** @returns null for what names no run and no state */
export function readRun(json: unknown): RunReading | null {
  const run = fieldsOf(json);
  const id = textOf(run["id"]);
  const status = textOf(run["status"]);
  if (id === "" || status === "") return null;
  return {
    id,
    status,
    version: numberOf(run["version"]),
    approvals: rowsOf(run["approvals"]).map((approval) => ({
      id: textOf(approval["id"]),
      status: textOf(approval["status"]),
      actionDigest: textOf(approval["action_digest"]),
      subject: textOf(approval["subject"]),
      decidedBy: textOf(fieldsOf(approval["decided_by"])["name"]),
    })),
    artifacts: rowsOf(run["artifacts"]).map((artifact) => ({
      id: textOf(artifact["id"]),
      name: textOf(artifact["name"]),
      mediaType: textOf(artifact["media_type"]),
      sizeBytes: numberOf(artifact["size_bytes"]),
      sha256: textOf(artifact["sha256"]),
    })),
  };
}

/** A refusal as RFC 9457 wants it: a 4xx with a problem document whose `status` is its own. */
export function isProblem(answer: {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
}): boolean {
  const body = fieldsOf(answer.json);
  return (
    answer.status >= 400 &&
    answer.status < 500 &&
    /^application\/problem\+json\s*(?:;|$)/iu.test(answer.headers["content-type"] ?? "") &&
    body["status"] === answer.status &&
    textOf(body["title"]) !== ""
  );
}
