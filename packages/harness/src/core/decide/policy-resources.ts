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

/** `outputPath` and `output-path` as `output_path`. */
const inWords = (name: string): string =>
  name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "_").replaceAll(/[-.\s]/g, "_");

export type ControlValue = {
  /** The name of the argument that holds it. */
  readonly argument: string;
  /** RFC 6901. */
  readonly pointer: string;
  /** Null where it is no text. */
  readonly text: string | null;
};

/** @param values of the control arguments */
export function touchedResources(values: readonly ControlValue[]): TouchedResources {
  const found = new Map<string, PolicyResource>();
  /** Lists that hold a resource, and lists that hold something else: whoever reads `to` as addresses sees half of it. */
  const [readable, others] = [new Set<string>(), new Set<string>()];
  let complete = true;
  for (const { argument, pointer, text } of values) {
    const resource = text === null ? null : resourceIn(argument, text.trim());
    const list = /^(.*)\/\d+$/s.exec(pointer)?.[1];
    if (resource === "unreadable") complete = false;
    else if (resource !== null) found.set(resource.id, resource);
    if (list !== undefined) (resource === null ? others : readable).add(list);
  }
  if ([...readable].some((list) => others.has(list))) complete = false;
  const resources = [...found.values()];
  if (resources.length > POLICY_RESOURCES_MAX)
    return { resources: resources.slice(0, POLICY_RESOURCES_MAX), complete: false };
  return { resources, complete };
}

function resourceIn(argument: string, text: string): PolicyResource | "unreadable" | null {
  if (text.length > RESOURCE_CHARS_MAX) return "unreadable";
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return hostOf(text);
  const address = /^[^\s@/:,;<>"]+@([^\s@/:,;<>"]+)$/.exec(text);
  if (address !== null) return addressOf(text, address[1] ?? "");
  if (PATH_NAME.test(inWords(argument))) return pathOf(text);
  return MAY_NAME_MORE.test(text) ? "unreadable" : null;
}

/**
 * An address among others, with a name or in a sentence; a URL that only a browser reads as one (`https:evil.example`,
 * `//evil.example`, `see https://…`). Whoever carries the call out may send there.
 */
const MAY_NAME_MORE = /\S@\S|:\/\/|^\/\/|^(?:https?|wss?|ftp|mailto|file):/i;

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
