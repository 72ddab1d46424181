import { ctrfReport } from "./ctrf.ts";
import { htmlReport } from "./html.ts";
import { junitReport } from "./junit.ts";
import { markdownReport } from "./markdown.ts";
import type { Reported } from "./reported.ts";
import { sarifReport } from "./sarif.ts";

/** Every kind of report, by the name that it has on the command line. */
export const REPORTS = {
  junit: ({ trials }) => junitReport(trials),
  ctrf: ctrfReport,
  sarif: ({ trials, scenarios }) => sarifReport(trials, scenarios),
  html: htmlReport,
  md: markdownReport,
  json: ({ trials }) => `${JSON.stringify(trials, null, 2)}\n`,
} as const satisfies Readonly<Record<string, (reported: Reported) => string>>;

export type ReportKind = keyof typeof REPORTS;

export const isReportKind = (name: string): name is ReportKind => Object.hasOwn(REPORTS, name);
