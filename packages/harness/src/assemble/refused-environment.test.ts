import { expect, test } from "vitest";
import { readEnvironment } from "../config.ts";
import { checkEnvironment } from "./refused-environment.ts";

test("a start is refused where nobody checks who answers, and where a word is misspelt", () => {
  const codeOf = (environment: Record<string, string>): string | null => {
    const checked = checkEnvironment(readEnvironment(environment));
    return checked.ok ? null : checked.error.code;
  };
  expect(codeOf({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toBe("certificates_unchecked");
  expect(codeOf({ NODE_TLS_REJECT_UNAUTHORIZED: "1", NODE_EXTRA_CA_CERTS: "/etc/own.pem" })).toBeNull();
  for (const name of ["ASSENT_LOG", "ASSENT_STREAMING"])
    expect(codeOf({ [name]: "stdrr" })).toBe("environment_invalid");
  for (const value of ["", "stderr", "file"]) expect(codeOf({ ASSENT_LOG: value })).toBeNull();
  for (const value of ["", "on", "off"]) expect(codeOf({ ASSENT_STREAMING: value })).toBeNull();
});
