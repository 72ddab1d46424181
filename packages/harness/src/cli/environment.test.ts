import { afterEach, expect, test, vi } from "vitest";
import { confidences } from "./environment.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("the name of the signing key's file is no secret: an error has to name it", () => {
  vi.stubEnv("ASSENT_SIGNING_KEY", "/somewhere/robot.key.json");
  vi.stubEnv("ASSENT_TOKEN", "ask_canary");
  vi.stubEnv("SOME_SIGNING_KEY", "sgn_canary");
  expect(confidences()).toEqual(expect.arrayContaining(["ask_canary", "sgn_canary"]));
  expect(confidences()).not.toContain("/somewhere/robot.key.json");
});
