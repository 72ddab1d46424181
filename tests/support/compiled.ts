/**
 * What a child process has to be told so that it takes up what node compiled for the ones before it, which is half of
 * what starting it costs; nothing where the gate named no place for it (`scripts/gate.mjs`).
 */
export function compiledBefore(): Readonly<Record<string, string>> {
  const place = process.env["NODE_COMPILE_CACHE"];
  return place === undefined ? {} : { NODE_COMPILE_CACHE: place };
}
