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

/**
 * The form of ids is free, and their type is not: the contract has texts. A number would have to be guessed back into paths and bodies,
 * and past 2^53 is another one by the time it has been read.
 */
export class IdIsNumber extends Error {
  override readonly name = "IdIsNumber";
}

/**
 * @returns empty where it has none
 * @throws IdIsNumber
 */
export function idOf(thing: Fields, what: string): string {
  const { id } = thing;
  if (typeof id === "number")
    throw new IdIsNumber(
      `the id of ${what} is a number (${id}); ids are texts: have the harness say "${id}"`,
    );
  return textOf(id);
}

/**
 * @returns null for what names no run and no state
 * @throws IdIsNumber where one of its ids is no text
 */
export function readRun(json: unknown): RunReading | null {
  const run = fieldsOf(json);
  const id = idOf(run, "a run");
  const status = textOf(run["status"]);
  if (id === "" || status === "") return null;
  return {
    id,
    status,
    version: numberOf(run["version"]),
    approvals: rowsOf(run["approvals"]).map((approval) => ({
      id: idOf(approval, "an approval"),
      status: textOf(approval["status"]),
      actionDigest: textOf(approval["action_digest"]),
      subject: textOf(approval["subject"]),
      decidedBy: textOf(fieldsOf(approval["decided_by"])["name"]),
    })),
    artifacts: rowsOf(run["artifacts"]).map((artifact) => ({
      id: idOf(artifact, "an artifact"),
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
