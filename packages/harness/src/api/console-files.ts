// What the API knows of the web console: files in memory, under the names that the build gave them.

export type ConsoleFile = {
  readonly bytes: Uint8Array;
  /** As the Content-Type header says it. */
  readonly mediaType: string;
  /** With its quotes; names the bytes. */
  readonly etag: string;
  /** Whether the name holds a digest of the bytes, so that the name never stands for others. */
  readonly isHashed: boolean;
};

/** `off`: nobody wants it served. `not_built`: there is nothing to serve. */
export type Console =
  | { readonly state: "off" }
  | { readonly state: "not_built" }
  | {
      readonly state: "built";
      readonly page: ConsoleFile;
      /** By name; without the page. */
      readonly files: ReadonlyMap<string, ConsoleFile>;
    };
