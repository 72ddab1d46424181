// The seed keeps Python datetimes: aware, in microseconds. A JavaScript Date knows milliseconds only, so a moment is
// kept as text in one canonical form whose alphabetical order is the order in time.

import { HarmonyError } from "./errors.ts";

/** A moment in UTC: `2026-01-02T03:04:05.123456+00:00`, always 32 characters. */
export type Timestamp = string & { readonly __timestamp: never };

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)$/;
const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

function refuse(why: string): never {
  throw new HarmonyError("invalid_timestamp", `not a timestamp: ${why}`);
}

const isCanonical = (text: string): text is Timestamp => CANONICAL.test(text);

function canonical(text: string): Timestamp {
  return isCanonical(text) ? text : refuse("out of range");
}

function offsetMinutes(text: string): number {
  if (text === "Z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) refuse("the offset is out of range");
  return (text.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

function fromDate(date: Date): Timestamp {
  const year = date.getUTCFullYear();
  if (Number.isNaN(date.getTime()) || year < 1 || year > 9999) refuse("out of range");
  return canonical(date.toISOString().replace("Z", "000+00:00"));
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether text of the canonical form names a moment that exists: what is read from disk mostly does, many at a time. */
function isMoment(text: Timestamp): boolean {
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
  const isTime = text.slice(11, 13) <= "23" && text.slice(14, 16) <= "59" && text.slice(17, 19) <= "59";
  return year >= 1 && day >= 1 && day <= days && isTime;
}

function fromText(text: string): Timestamp {
  if (isCanonical(text) && isMoment(text)) return text;
  const match = ISO.exec(text);
  if (match === null) refuse("want ISO 8601 with an offset, such as 2026-01-02T03:04:05.123456+00:00");
  const [, year, month, day, hour, minute, second, fraction = "", offset = "Z"] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const wall = new Date(`${local}Z`);
  // Date rolls 30 February over to March; a moment that does not exist is refused instead.
  if (Number.isNaN(wall.getTime()) || wall.toISOString().slice(0, 19) !== local) refuse("no such moment");
  const utc = new Date(wall.getTime() - offsetMinutes(offset) * 60_000);
  return canonical(fromDate(utc).replace(/\.\d{6}/, `.${fraction.slice(0, 6).padEnd(6, "0")}`));
}

/**
 * Reads a moment. Takes a Date, or ISO 8601 text with an offset (`Z`, `+02:00`); text without one is refused, for it
 * names a different moment on every machine. Digits past the microsecond are dropped.
 * Throws HarmonyError `invalid_timestamp`.
 */
export function parseTimestamp(value: Date | string): Timestamp {
  return typeof value === "string" ? fromText(value) : fromDate(value);
}
