// What a call touches, read out of its control arguments: paths, hosts and addresses. A rule that names one of them
// rests on this. What is not understood makes the answer incomplete, never shorter without a word.

export type ResourceKind = "path" | "host" | "address";

export type PolicyResource = {
  readonly kind: ResourceKind;
  /** `path:docs/a.md`, `host:a.example.com`, `address:bob@example.com`. */
  readonly id: string;
  /** Ids of what it lies in, nearest first: folders of a path, parent domains of a host. */
  readonly ancestors: readonly string[];
};

export type TouchedResources = {
  readonly resources: readonly PolicyResource[];
  /** False: a value could not be read, or there were too many. */
  readonly complete: boolean;
};

/** Every resource is an entity in the request, and Cedar takes about 9 µs for each: 32 stay under half a millisecond. */
export const POLICY_RESOURCES_MAX = 32;
/** Folders above one path, or labels of one host; deeper values count as not understood, for the same reason. */
const ANCESTORS_MAX = 16;
/** Longer text is not an address, a host or a path that anybody writes a rule about. */
const RESOURCE_CHARS_MAX = 1_024;

const PATH_NAME = /(?:^|_)(?:path|paths|file|files|filename|folder|dir|directory)$/i;

/** `values`: text of the control arguments, each with the name of the argument that holds it. */
export function touchedResources(
  values: readonly { readonly argument: string; readonly text: string }[],
): TouchedResources {
  const found = new Map<string, PolicyResource>();
  let complete = true;
  for (const { argument, text } of values) {
    const resource = resourceIn(argument, text.trim());
    if (resource === "unreadable") complete = false;
    else if (resource !== null) found.set(resource.id, resource);
  }
  const resources = [...found.values()];
  if (resources.length > POLICY_RESOURCES_MAX)
    return { resources: resources.slice(0, POLICY_RESOURCES_MAX), complete: false };
  return { resources, complete };
}

function resourceIn(argument: string, text: string): PolicyResource | "unreadable" | null {
  if (text.length > RESOURCE_CHARS_MAX) return "unreadable";
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return hostOf(text);
  const address = /^[^\s@/]+@([^\s@/]+)$/.exec(text);
  if (address !== null) return addressOf(text, address[1] ?? "");
  if (PATH_NAME.test(argument)) return pathOf(text);
  return null;
}

function hostOf(text: string): PolicyResource | "unreadable" {
  if (!URL.canParse(text)) return "unreadable";
  const host = new URL(text).hostname.replace(/\.$/, "").toLowerCase();
  const ancestors = parentDomains(host);
  return host === "" || ancestors === null ? "unreadable" : { kind: "host", id: `host:${host}`, ancestors };
}

function addressOf(text: string, domain: string): PolicyResource | "unreadable" {
  const host = hostOf(`https://${domain}`);
  if (host === "unreadable") return host;
  return {
    kind: "address",
    id: `address:${text.toLowerCase()}`,
    ancestors: [host.id, ...host.ancestors],
  };
}

function parentDomains(host: string): string[] | null {
  // An IP address lies in nothing: its parts are no domains.
  if (host.startsWith("[") || /^[\d.]+$/.test(host)) return [];
  const labels = host.split(".");
  if (labels.length > ANCESTORS_MAX) return null;
  return labels.slice(1).map((_, index) => `host:${labels.slice(index + 1).join(".")}`);
}

function pathOf(text: string): PolicyResource | "unreadable" {
  if (text.includes("\0") || text.includes("\\")) return "unreadable";
  const parts: string[] = [];
  for (const part of text.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    // What climbs out has no place in the tree that rules speak of.
    else if (parts.pop() === undefined) return "unreadable";
  }
  if (parts.length > ANCESTORS_MAX) return "unreadable";
  const root = text.startsWith("/") ? "/" : "";
  const ids = parts.map((_, index) => `path:${root}${parts.slice(0, index + 1).join("/")}`);
  const top = `path:${root === "" ? "." : root}`;
  return {
    kind: "path",
    id: ids.pop() ?? top,
    ancestors: parts.length === 0 ? [] : [...ids.toReversed(), top],
  };
}
