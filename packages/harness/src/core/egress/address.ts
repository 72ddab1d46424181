// Which Internet addresses may be reached. Everything that is not an ordinary, globally reachable address is special:
// a request there is a request to the machine itself, its network, or a cloud's metadata (server-side request forgery).
// Ranges: IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and updates), as of 2025.

export type AddressClass =
  | { readonly kind: "global" }
  /** `range`: its name, for an answer that says why. */
  | { readonly kind: "special"; readonly range: string };

const GLOBAL: AddressClass = { kind: "global" };
const special = (range: string): AddressClass => ({ kind: "special", range });

type Range<T> = readonly [prefix: T, bits: number, name: string];

const SPECIAL_4: readonly Range<string>[] = [
  ["0.0.0.0", 8, "this network"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "carrier-grade NAT"],
  ["127.0.0.0", 8, "loopback"],
  // An ordinary address elsewhere; inside Azure the agent of the virtual machine, with its goal state and certificates.
  ["168.63.129.16", 32, "cloud platform"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "protocol assignments"],
  ["192.0.2.0", 24, "documentation"],
  ["192.88.99.0", 24, "6to4 relay"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "benchmarking"],
  ["198.51.100.0", 24, "documentation"],
  ["203.0.113.0", 24, "documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
];

// Inside 2000::/3, the only block that is global unicast; all that lies outside is special without being named.
const SPECIAL_6: readonly Range<string>[] = [
  // Teredo, benchmarking, ORCHID and all others of this block that tunnel or lead nowhere.
  ["2001::", 23, "protocol assignments"],
  ["2001:db8::", 32, "documentation"],
  // Reaches the IPv4 address inside it, through whatever relay is near.
  ["2002::", 16, "6to4"],
  ["3fff::", 20, "documentation"],
];

const NAMED_OUTSIDE_6: readonly Range<string>[] = [
  ["::", 128, "unspecified"],
  ["::1", 128, "loopback"],
  ["::ffff:0:0", 96, "IPv4-mapped"],
  ["::", 96, "IPv4-compatible"],
  ["64:ff9b:1::", 48, "local NAT64"],
  ["100::", 64, "discard"],
  ["5f00::", 16, "segment routing"],
  ["fc00::", 7, "unique local"],
  ["fe80::", 10, "link-local"],
  ["fec0::", 10, "site-local"],
  ["ff00::", 8, "multicast"],
];

const GLOBAL_UNICAST_6: Range<string> = ["2000::", 3, "global unicast"];
const NAT64: Range<string> = ["64:ff9b::", 96, "NAT64"];

/** @param text an address as resolvers and URLs write it, without brackets. Anything else is special. */
export function classifyAddress(text: string): AddressClass {
  const four = parseIpv4(text);
  if (four !== null) return classify4(four);
  const six = parseIpv6(text);
  // A zone id names an interface of this machine; such an address is never global.
  if (six === null) return special(text.includes("%") ? "zoned" : "no address");
  return classify6(six);
}

/** Whether a text is an address at all, in the one form that everybody reads alike. */
export function isAddress(text: string): boolean {
  return parseIpv4(text) !== null || parseIpv6(text) !== null;
}

function classify4(address: bigint): AddressClass {
  const found = SPECIAL_4.find((range) => contains(range, address, 32, parseIpv4));
  return found === undefined ? GLOBAL : special(found[2]);
}

function classify6(address: bigint): AddressClass {
  const within = (range: Range<string>): boolean => contains(range, address, 128, parseIpv6);
  if (within(NAT64)) return embedded("NAT64", address);
  if (!within(GLOBAL_UNICAST_6)) return special(NAMED_OUTSIDE_6.find(within)?.[2] ?? "not assigned");
  const found = SPECIAL_6.find(within);
  if (found !== undefined) return special(found[2]);
  // ISATAP (RFC 5214): the interface id tunnels to the IPv4 address at its end.
  const isatap = (address >> 32n) & 0xffff_ffffn;
  if (isatap === 0x0000_5efen || isatap === 0x0200_5efen) return embedded("ISATAP", address);
  return GLOBAL;
}

function embedded(name: string, address: bigint): AddressClass {
  const inner = classify4(address & 0xffff_ffffn);
  return inner.kind === "global" ? GLOBAL : special(`${name} of ${inner.range}`);
}

function contains(
  [prefix, bits]: Range<string>,
  address: bigint,
  width: number,
  parse: (text: string) => bigint | null,
): boolean {
  const shift = BigInt(width - bits);
  return address >> shift === (parse(prefix) ?? 0n) >> shift;
}

/** Four decimal numbers without leading zeros; null for every other form (inet_aton reads many). */
function parseIpv4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let address = 0n;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/u.test(part) || Number(part) > 255) return null;
    address = (address << 8n) | BigInt(part);
  }
  return address;
}

/** RFC 4291 2.2, with an IPv4 tail allowed; null for anything else, zone ids too. */
function parseIpv6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 5952 4.2.2 warns of one; parsers accept it).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  let address = 0n;
  for (const group of [...head, ...Array.from({ length: missing }, () => 0n), ...tail])
    address = (address << 16n) | group;
  return address;
}

function groupsOf(text: string, mayEndInIpv4: boolean): bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/iu.test(part)) {
      groups.push(BigInt(`0x${part}`));
      continue;
    }
    const four = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : null;
    if (four === null) return null;
    groups.push(four >> 16n, four & 0xffffn);
  }
  return groups;
}
