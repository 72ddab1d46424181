// The tests of the gate in another order, in other time zones and another language: what they find must be the same. Each
// round says its seed and place, and how to run it again.
//
//   npm run test:shuffled                            every round, all tests of the gate
//   npm run test:shuffled -- --project unit          of one project (may be repeated)
//   npm run test:shuffled -- --seed 7 --round 2      one round again

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

type Place = { readonly zone: string; readonly locale: string };

/**
 * As far east as clocks go, where the day is another one for most of the day; half an hour off the full hours, behind UTC;
 * and three quarters off. With other names of days, with commas in numbers, and with other digits.
 */
const PLACES: readonly Place[] = [
  { zone: "Pacific/Kiritimati", locale: "tr_TR.UTF-8" },
  { zone: "America/St_Johns", locale: "de_DE.UTF-8" },
  { zone: "Asia/Kathmandu", locale: "ar_EG.UTF-8" },
];

export const environmentOf = ({ zone, locale }: Place): Readonly<Record<string, string>> => ({
  TZ: zone,
  LC_ALL: locale,
  LANG: locale,
  LANGUAGE: locale.slice(0, 2),
});

/** What vitest is started with. */
export const argumentsOf = (seed: number, projects: readonly string[], report: string): readonly string[] => [
  "run",
  ...(projects.length === 0 ? ["--project=!nightly"] : projects.map((project) => `--project=${project}`)),
  "--sequence.shuffle",
  `--sequence.seed=${seed}`,
  "--reporter=dot",
  "--reporter=json",
  `--outputFile.json=${report}`,
];

/** @returns whether everything held, in this order and place */
function runRound(round: number, seed: number, projects: readonly string[]): boolean {
  const place = PLACES[round];
  if (place === undefined) return false;
  const told = projects.map((project) => ` --project ${project}`).join("");
  process.stdout.write(
    `round ${round}: seed ${seed}, ${place.zone}, ${place.locale}; again: npm run test:shuffled -- --seed ${seed} --round ${round}${told}\n`,
  );
  const report = join("reports", `shuffled-${round}.json`);
  const { status } = spawnSync(
    join(ROOT, "node_modules", ".bin", "vitest"),
    argumentsOf(seed, projects, report),
    {
      cwd: ROOT,
      stdio: "inherit",
      env: { ...process.env, ...environmentOf(place) },
      shell: process.platform === "win32",
    },
  );
  process.stdout.write(`${status === 0 ? "ok    " : "FAILED"} round ${round}: seed ${seed}, ${place.zone}\n`);
  return status === 0;
}

const isWhole = (text: string | undefined): boolean => text === undefined || /^\d{1,9}$/u.test(text);

function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      round: { type: "string" },
      project: { type: "string", multiple: true, default: [] },
    },
  });
  if (!isWhole(values.seed) || !isWhole(values.round) || Number(values.round ?? 0) >= PLACES.length) {
    process.stderr.write(`shuffled: --seed is a whole number, --round one from 0 to ${PLACES.length - 1}\n`);
    process.exitCode = 2;
    return;
  }
  mkdirSync(join(ROOT, "reports"), { recursive: true });
  // Another one each day, the same all day long.
  const seed = Number(values.seed ?? Math.floor(Date.now() / 86_400_000));
  const rounds = values.round === undefined ? PLACES.keys() : [Number(values.round)];
  const failed = [...rounds].filter((round) => !runRound(round, seed, values.project));
  if (failed.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
