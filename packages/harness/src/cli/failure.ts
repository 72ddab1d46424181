import { unreachable } from "../base/assert.ts";
import type { ClientFailure } from "../client/failure.ts";
import type { ExitName } from "./exit-codes.ts";

/** Why a command did not do what it was asked to. Shown in one line; with --json also as an object. */
export type Failure = {
  readonly exit: ExitName;
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
};

export function usageFailure(code: string, detail: string, remedy: string): Failure {
  return { exit: "usage", code, detail, remedy };
}

export function failureOfClient(failure: ClientFailure): Failure {
  switch (failure.kind) {
    case "unreachable":
      return {
        exit: "unreachable",
        code: "server_unreachable",
        detail: `${failure.url} cannot be reached: ${failure.detail}`,
        remedy: "Start it with `assent up`, or name another with --url.",
      };
    case "refused": {
      const { code, detail, remedy, errors } = failure.problem;
      // Where only one place is wrong, the refusal itself may say the same.
      const places = (errors ?? [])
        .map((error) => (error.detail === detail ? error.pointer : `${error.pointer} ${error.detail}`))
        .join("; ");
      return {
        exit: "refused",
        code,
        detail: places === "" ? detail : `${detail} (${places})`,
        remedy,
      };
    }
    case "unexpected":
      return {
        exit: "unreachable",
        code: "answer_unexpected",
        detail: failure.detail,
        remedy: "Check --url, and that server and command line are of the same version.",
      };
    case "aborted":
      return {
        exit: "interrupted",
        code: "interrupted",
        detail: "stopped before the end",
        remedy: "Nothing is lost: the run goes on at the server; look at it with `assent show`.",
      };
    default:
      return unreachable(failure);
  }
}
