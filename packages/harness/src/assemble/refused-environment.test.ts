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

test.each([
  "ANTHROPIC_BASE_URL",
  "OPENAI_BASE_URL",
  "ASSENT_OPENAI_COMPATIBLE_BASE_URL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
])("a start is refused where %s is no URL, and says which variable that is", (name) => {
  for (const text of ["127.0.0.1:11434", "localhost:11434/v1", "ftp://127.0.0.1", "x"])
    expect(checkEnvironment(readEnvironment({ [name]: text }))).toMatchObject({
      ok: false,
      error: { code: "environment_invalid", detail: expect.stringContaining(`${name} is not a URL`) },
    });
  for (const text of ["", "http://127.0.0.1:11434/v1", "https://models.example.org"])
    expect(checkEnvironment(readEnvironment({ [name]: text })).ok).toBe(true);
  const withName = checkEnvironment(readEnvironment({ [name]: "http://anna:pw@127.0.0.1" }));
  expect(withName.ok).toBe(name.startsWith("OTEL"));
});
