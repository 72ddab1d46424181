import type { Hash } from "@assent/tlog";

export type LogSource = {
  /**
   * An export's file by its path; null where there is none.
   * @param room where its bytes may be put, if they all fit; the next who gives the same room overwrites them
   */
  read(path: string, room?: Uint8Array): Uint8Array | null;
  /** What lies in a folder of it, "" being the whole, in any order; nothing where there is no such folder. */
  list(folder: string): readonly Listed[];
  /** Of a copy that was cut off while it was moved into its place, and is read as if it were there. */
  readonly unmoved?: {
    /** Tiles that lie there and in their place, and say two things. */
    ambiguous(): readonly string[];
  };
};

/** `other`: neither a plain file nor a folder, as links and pipes are. */
export type Listed = { readonly name: string; readonly kind: "file" | "folder" | "other" };

/** One thing that is wrong, and where. */
export type LogFinding = { readonly code: string; readonly at: string; readonly detail: string };

/** So many entries had this root, as the verifier knew before, or as witnesses have seen. */
export type Memory = {
  readonly size: number;
  readonly root: Hash;
  readonly by: "remembered" | "witnessed" | "accounted for by the next log";
  /** When witnesses saw it, POSIX seconds; null where none have. */
  readonly seen: Seen | null;
};

export type Seen = {
  readonly earliest: number;
  readonly newest: number;
  /** Whose lines say so, and when, each. */
  readonly claims: readonly { readonly name: string; readonly seconds: number }[];
  /** Where these lines stand. */
  readonly at: string;
};

/** `payloads/<N>` beside `tile/entries/<N>`: what opens the leaves, a line of JSON each. */
export const payloadPath = (entriesPath: string): string =>
  entriesPath.replace("tile/entries/", "payloads/").replace(/\.p\/\d+$/, "");

/** One line of a payload file. */
export const payloadLine = (index: number, salt: Uint8Array, payload: string): string =>
  `${JSON.stringify({ i: index, s: Buffer.from(salt).toString("base64"), p: payload })}\n`;

/** `opened/<N>`: what is sealed in payloads, for whoever asked for it. Held against what is sealed. */
export const openedPath = (entriesPath: string): string => openedBeside(payloadPath(entriesPath));

/** @param path of payloads */
export const openedBeside = (path: string): string => path.replace("payloads/", "opened/");
