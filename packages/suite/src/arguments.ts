// What the commands of the suite take, each read once and refused by name.

import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";

const PORT_MAX = 65_535;

/** @returns without the slash at its end */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new InvalidArgumentError("It must be an http URL.");
  return text.replace(/\/$/, "");
}

export const parseUrls = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  parseUrl(text),
];

export function parseBody(text: string): unknown {
  try {
    const source = text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text;
    return JSON.parse(source) as unknown;
  } catch {
    throw new InvalidArgumentError("It must be JSON, or @ and the name of a readable file with JSON.");
  }
}

/** @param least 0 where any free one will do */
export function parsePort(text: string, least: 0 | 1 = 1): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < least || port > PORT_MAX)
    throw new InvalidArgumentError("It must be a port.");
  return port;
}

/** A file that can be written, so that hours of trials do not end in one that cannot. Nothing is made yet. */
export function parseWritable(file: string): string {
  const isThere = existsSync(file);
  try {
    accessSync(isThere ? file : dirname(resolve(file)), constants.W_OK);
  } catch {
    throw new InvalidArgumentError(`${file} cannot be written.`);
  }
  if (isThere && statSync(file).isDirectory()) throw new InvalidArgumentError(`${file} is a folder.`);
  return file;
}

export function parseReadable(file: string): string {
  try {
    accessSync(file, constants.R_OK);
  } catch {
    throw new InvalidArgumentError(`${file} cannot be read.`);
  }
  if (statSync(file).isDirectory()) throw new InvalidArgumentError(`${file} is a folder.`);
  return file;
}
