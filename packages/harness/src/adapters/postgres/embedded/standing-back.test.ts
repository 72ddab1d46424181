import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { type Command, standingBack } from "./standing-back.ts";

/** Prints how the system schedules it (proc(5), `policy`: 0 as usual, 3 batch). */
const TELLING: Command = {
  file: process.execPath,
  args: [
    "-e",
    `const stat = require("node:fs").readFileSync("/proc/self/stat", "utf8");
     console.log(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38])`,
  ],
};
const told = ({ file, args }: Command): string =>
  spawnSync(file, [...args], { encoding: "utf8" }).stdout.trim();

test("a command stands back where the machine has the means, and is the same command", () => {
  if (process.platform !== "linux") {
    expect(standingBack(TELLING)).toBe(TELLING);
    return;
  }
  const command = standingBack(TELLING);
  expect(told(command)).toBe(command === TELLING ? "0" : "3");
  expect(told(TELLING)).toBe("0");
});

test.each(["/nowhere/chrt", "/bin/false"])("without means (%s) it is as it was", (chrt) => {
  expect(standingBack(TELLING, chrt)).toBe(TELLING);
});
