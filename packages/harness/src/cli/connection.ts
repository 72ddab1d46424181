// Which server, and with which key.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { err, ok, type Result } from "../base/result.ts";
import { type Client, createClient } from "../client/client.ts";
import { type Failure, usageFailure } from "./failure.ts";
import { readSigningKey } from "./signing-key-file.ts";
import type { Deps } from "./world.ts";

export const DEFAULT_URL = "http://127.0.0.1:4200";

const credentialsSchema = z.object({ url: z.string(), key: z.string().min(1) });
type Credentials = z.infer<typeof credentialsSchema>;

export type Target = {
  readonly url: string | undefined;
  readonly token: string | undefined;
  /** Absolute. */
  readonly home: string;
};

/** --url, then ASSENT_URL, then what the home's server wrote down, then the default; the key likewise. */
export async function openClient(target: Target, deps: Deps): Promise<Result<Client, Failure>> {
  const stored = await readCredentials(target.home);
  if (!stored.ok) return stored;
  const url = originOf(target.url ?? deps.environment.url ?? stored.value?.url ?? DEFAULT_URL);
  if (!url.ok) return url;
  const key = target.token ?? deps.environment.token ?? storedKeyFor(url.value, stored.value);
  if (key === null)
    return err(
      usageFailure(
        "key_missing",
        `there is no key for ${url.value}`,
        "Start the server here with `assent up`, point --home at its home, or set ASSENT_TOKEN.",
      ),
    );
  // What cannot stand in a header would otherwise surface as a connection that failed.
  if (!/^[!-~]+$/.test(key))
    return err(
      usageFailure("key_malformed", "the key holds characters that no key has", "Copy it once more."),
    );
  const { signingKey } = deps.environment;
  const signing = signingKey === null ? ok(null) : await readSigningKey(resolve(deps.cwd, signingKey));
  if (!signing.ok) return signing;
  return ok(createClient({ url: url.value, key, fetch: deps.fetch, signing: signing.value }));
}

async function readCredentials(home: string): Promise<Result<Credentials | null, Failure>> {
  const file = join(home, "credentials.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return ok(null);
    return err(
      usageFailure("credentials_unreadable", `${file} cannot be read`, "Check who owns it, or set --token."),
    );
  }
  try {
    const kept = credentialsSchema.parse(JSON.parse(text));
    // The key is kept before a server serves, and by a home that only workers have.
    return ok(kept.url === "" ? null : kept);
  } catch {
    return err(
      usageFailure(
        "credentials_malformed",
        `${file} is not what a server writes`,
        "Remove it and start the server again; it is written anew.",
      ),
    );
  }
}

// A key goes to the server that issued it and to no other, whatever --url says.
function storedKeyFor(url: string, stored: Credentials | null): string | null {
  if (stored === null) return null;
  const origin = originOf(stored.url);
  return origin.ok && origin.value === url ? stored.key : null;
}

function originOf(text: string): Result<string, Failure> {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "")
    return err(
      usageFailure("url_malformed", "the URL is none of http or https", "For example --url http://host:4200"),
    );
  return ok(url.origin);
}
