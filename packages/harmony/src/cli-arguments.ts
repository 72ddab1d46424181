// What the words of the command line stand for: a folder, a file, a number.

import { lstatSync, readFileSync } from "node:fs";
import { dirname, resolve as resolvePath } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { UsageError } from "./commands.ts";

/** A file given on the command line is at most one side of a conflict. */
const INPUT_SIZE_BYTES_MAX = 16_777_216;

const isFolderEntry = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** The nearest folder above with a memory; else the nearest repository; else where we are. */
export function findRoot(cwd: string): string {
  for (const mark of [".muse", ".git"]) {
    for (let folder = cwd; ; folder = dirname(folder)) {
      if (isFolderEntry(`${folder}/${mark}`)) return folder;
      if (folder === dirname(folder)) break;
    }
  }
  return cwd;
}

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

export const choice = (flags: string, about: string, words: { readonly [key: string]: string }): Option =>
  new Option(flags, about).choices(Object.values(words));
