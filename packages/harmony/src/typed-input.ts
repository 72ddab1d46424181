// What is typed on a command line and has to be read: files and numbers. Each throws a UsageError or commander's own.

import { lstatSync, readFileSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { InvalidArgumentError } from "commander";
import { UsageError } from "./commands.ts";

/** A file given on the command line is at most one side of a conflict. */
const INPUT_SIZE_BYTES_MAX = 16_777_216;

export function readInput(cwd: string, file: string): Uint8Array {
  const path = resolvePath(cwd, file);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) throw new UsageError(`${file} is not a file`);
  if (stat.size > INPUT_SIZE_BYTES_MAX) {
    throw new UsageError(`${file} is larger than ${INPUT_SIZE_BYTES_MAX} bytes`);
  }
  return readFileSync(path);
}

export function readText(cwd: string, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readInput(cwd, file));
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${file} is not text in UTF-8`);
    throw error;
  }
}

export function wholeNumber(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError("want a whole number");
  return Number(text);
}

export function count(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError("want a number from 1");
  return number;
}

export function share(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !(number >= 0 && number <= 1)) throw new InvalidArgumentError("want 0 to 1");
  return number;
}
