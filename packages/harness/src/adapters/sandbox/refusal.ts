// Why there is no sandbox here.

export type SandboxRefusal = {
  readonly reason:
    | "platform_unsupported"
    | "bubblewrap_missing"
    | "limiter_missing"
    | "account_missing"
    | "namespaces_forbidden"
    | "does_not_block";
  /** One line: why commands cannot be run here. */
  readonly message: string;
  /** One line: what to do about it. */
  readonly remedy: string;
};
