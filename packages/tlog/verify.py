#!/usr/bin/env python3
"""Verifies an exported audit log, or one receipt, with Python's standard library alone: a second reading of the formats
of docs/audit.md, which shares no code with @assent/tlog.

  verify.py export <folder> --key <vkey> [--key <vkey>] [--remembered <checkpoint>] [--later <folder>] [--now <time>]
                   [--policy <file> | --witness <vkey>] [--cosigned-within <minutes>]
  verify.py proof <file> --entry <file> --key <vkey> [--key <vkey>]

Every entry, tile, payload, root and signature of an export, and what runs, steps and approvals do as their events say it; for a remembered checkpoint, that the log continues it.
Of each type among the keys (Ed25519, ML-DSA-44) one must have signed. Exit code 0 when all of it holds, 1 for findings (a
line each, with its place), 2 for usage. Of a log that was followed by another, erasures and pruning stand in that one: --later, with
its keys among the others. Which witnesses must have cosigned a policy says (C2SP tlog-policy), or --witness: all that are given so.
Fields that were opened are held against what is sealed in payloads (AES-256-GCM). Ed25519 is RFC 8032, section 5.1.7, and
ML-DSA-44 is FIPS 204, both in plain arithmetic: slow, and called once for each checkpoint."""

import argparse, base64, datetime, hashlib, json, pathlib, re, sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960, 1,
        46827403850823179245072216630277197565144205554125654976674165829533817101731)
sha256 = lambda data: hashlib.sha256(data).digest()
WIDTH = 256


class Wrong(Exception):
    """What is wrong, and where."""


# --- Ed25519 -----------------------------------------------------------------
def add(p, q):
    """In extended coordinates (X/Z, Y/Z, XY/Z), as RFC 8032, section 5.1.4 has it."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def is_same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point_of(data):
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def is_signature(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    try:
        a, r = point_of(public), point_of(signature[:32])
    except ValueError:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return s < L and is_same(times(s, BASE), add(r, times(k, a)))


# --- ML-DSA-44 (FIPS 204, verification alone) ----------------------------------
Q, GAMMA1, GAMMA2, BETA, TAU, OMEGA, ROWS = 8380417, 1 << 17, 95232, 78, 39, 80, 4
ZETAS = [pow(1753, int(f"{i:08b}"[::-1], 2), Q) for i in range(256)]
shake = lambda data, size: hashlib.shake_256(data).digest(size)


def ntt(w):
    w, m, span = list(w), 0, 128
    while span:
        for start in range(0, 256, 2 * span):
            m += 1
            for j in range(start, start + span):
                t = ZETAS[m] * w[j + span] % Q
                w[j + span], w[j] = (w[j] - t) % Q, (w[j] + t) % Q
        span >>= 1
    return w


def inverse_ntt(w):
    w, m, span = list(w), 256, 1
    while span < 256:
        for start in range(0, 256, 2 * span):
            m -= 1
            for j in range(start, start + span):
                t = w[j]
                w[j], w[j + span] = (t + w[j + span]) % Q, ZETAS[m] * (w[j + span] - t) % Q
        span <<= 1
    return [x * 8347681 % Q for x in w]


def unpack(data, bits):
    whole, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [whole >> (bits * i) & mask for i in range(len(data) * 8 // bits)]


def uniform(seed):
    """RejNTTPoly: 256 numbers below q, three bytes a try."""
    data = hashlib.shake_128(seed).digest(3 * 512)
    found = [n for n in (int.from_bytes(data[i : i + 3], "little") & 0x7FFFFF for i in range(0, len(data), 3)) if n < Q]
    return found[:256]


def in_ball(seed):
    """SampleInBall: tau numbers of 1 or -1 among zeros."""
    data, c, at = shake(seed, 1024), [0] * 256, 8
    signs = int.from_bytes(data[:8], "little")
    for i in range(256 - TAU, 256):
        while data[at] > i:
            at += 1
        c[i], c[data[at]] = c[data[at]], 1 - 2 * (signs & 1)
        at, signs = at + 1, signs >> 1
    return c


def hints_of(data):
    """HintBitUnpack; None for what is not spelled in the one way."""
    hints, first = [set() for _ in range(ROWS)], 0
    for row in range(ROWS):
        end = data[OMEGA + row]
        if not first <= end <= OMEGA or any(data[i] >= data[i + 1] for i in range(first, end - 1)):
            return None
        hints[row], first = set(data[first:end]), end
    return None if any(data[first:OMEGA]) else hints


def use_hint(hinted, r):
    low = r % (2 * GAMMA2)
    low -= 2 * GAMMA2 if low > GAMMA2 else 0
    high, low = (0, low - 1) if r - low == Q - 1 else ((r - low) // (2 * GAMMA2), low)
    return (high + (1 if low > 0 else -1)) % 44 if hinted else high


def is_mldsa_signature(public, message, signature, prefix=b"\0\0"):
    """FIPS 204, algorithm 3, with no context; with no prefix at all it is algorithm 8, which only test vectors ask for."""
    if len(public) != 1312 or len(signature) != 2420:
        return False
    challenge, hints = signature[:32], hints_of(signature[2336:])
    z = [[GAMMA1 - x for x in unpack(signature[32 + 576 * i : 608 + 576 * i], 18)] for i in range(ROWS)]
    if hints is None or any(abs(x) >= GAMMA1 - BETA for row in z for x in row):
        return False
    z, c, mu = [ntt(row) for row in z], ntt(in_ball(challenge)), shake(shake(public, 64) + prefix + message, 64)
    packed = b""
    for i in range(ROWS):
        t1 = ntt([x << 13 for x in unpack(public[32 + 320 * i : 352 + 320 * i], 10)])
        a = [uniform(public[:32] + bytes([j, i])) for j in range(ROWS)]
        w = inverse_ntt([(sum(a[j][n] * z[j][n] for j in range(ROWS)) - c[n] * t1[n]) % Q for n in range(256)])
        high = [use_hint(n in hints[i], w[n]) for n in range(256)]
        packed += sum(x << (6 * n) for n, x in enumerate(high)).to_bytes(192, "little")
    return shake(mu + packed, 32) == challenge


# --- AES-256-GCM (FIPS 197, SP 800-38D): decryption of short texts -------------------
doubled = lambda byte: (byte << 1 & 0xFF) ^ (0x1B if byte & 0x80 else 0)
rotated = lambda byte, by: (byte << by | byte >> 8 - by) & 0xFF


def sbox_of():
    """Inverses in GF(2^8), walked by the powers of 3 and of its inverse, and the affine map."""
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= doubled(p)
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        box[p] = 0x63 ^ q ^ rotated(q, 1) ^ rotated(q, 2) ^ rotated(q, 3) ^ rotated(q, 4)
        if p == 1:
            return box


SBOX = sbox_of()


def round_keys(key):
    words, power = [list(key[i : i + 4]) for i in range(0, 32, 4)], 1
    for i in range(8, 60):
        word = words[-1]
        if i % 8 == 0:
            word, power = [SBOX[b] for b in word[1:] + word[:1]], doubled(power) if i > 8 else 1
            word[0] ^= power
        elif i % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[-8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def aes(keys, block):
    state = [a ^ b for a, b in zip(block, keys[0])]
    for i, key in enumerate(keys[1:]):
        # Bytes substituted, rows shifted; then, but in the last round, columns mixed.
        state = [SBOX[state[(n + 4 * (n % 4)) % 16]] for n in range(16)]
        if i < 13:
            mixed = []
            for c in range(0, 16, 4):
                a, b, c, d = state[c : c + 4]
                every = a ^ b ^ c ^ d
                mixed += [x ^ every ^ doubled(x ^ y) for x, y in ((a, b), (b, c), (c, d), (d, a))]
            state = mixed
        state = [a ^ b for a, b in zip(state, key)]
    return bytes(state)


def ghash(h, data):
    y = 0
    for at in range(0, len(data), 16):
        x, y, v = y ^ int.from_bytes(data[at : at + 16], "big"), 0, h
        for bit in range(127, -1, -1):
            y ^= v if x >> bit & 1 else 0
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return y


def opened_text(key, nonce, place, tag, sealed):
    """What was sealed; None for another key, nonce or place, and what was changed."""
    keys, padded = round_keys(key), lambda data: data + bytes(-len(data) % 16)
    block = lambda count: aes(keys, nonce + count.to_bytes(4, "big"))
    lengths = (len(place) * 8).to_bytes(8, "big") + (len(sealed) * 8).to_bytes(8, "big")
    hashed = ghash(int.from_bytes(aes(keys, bytes(16)), "big"), padded(place) + padded(sealed) + lengths)
    if (hashed ^ int.from_bytes(block(1), "big")).to_bytes(16, "big") != tag:
        return None
    stream = b"".join(block(2 + i) for i in range(-(-len(sealed) // 16)))
    return bytes(a ^ b for a, b in zip(sealed, stream))


# --- Notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature) -----
def base64_of(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 has one spelling")
    return data


OF_LOGS, OF_WITNESSES = {1: 33, 6: 1313}, {4: 33, 6: 1313}


def key_of(vkey, sizes=OF_LOGS):
    name, number, key = vkey.split("+", 2)
    key = base64_of(key)
    number = bytes.fromhex(number)
    if sizes.get(key[0]) != len(key) or sha256(name.encode() + b"\n" + key)[:4] != number:
        raise ValueError("it is no verifier key of Ed25519 or ML-DSA-44")
    return name, number, key[0], key[1:]


def note_of(note, where):
    """The text, and of each line below it the name, the key's number and what was signed."""
    text, found, lines = note.rpartition("\n\n")
    units = len(note) + sum(ord(c) > 0xFFFF for c in note)
    if not found or not lines.endswith("\n") or units > 1_000_000 or any(ord(c) < 32 and c != "\n" for c in note):
        raise Wrong(f"{where}: the key has not signed it, or it has not the form of a note")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, signer, value = (line.split(" ") + ["", ""])[:3]
        data = base64_of(value) if value.isascii() else b""
        if dash != "\u2014" or len(data) < 5 or line.count(" ") != 2 or not signer or re.search("[\\s+\ufeff\x7f]", signer):
            raise Wrong(f"{where}: a line that is no signature")
        signatures.append((signer, data[:4], data[4:]))
    if len(signatures) > 100:
        raise Wrong(f"{where}: it has too many signatures")
    return text + "\n", signatures


def is_line_of(name, kind, public, text, data):
    """Ed25519 signs the text; ML-DSA-44 a time, the names of cosigner and log, size and root (C2SP tlog-cosignature)."""
    if kind == 1:
        return is_signature(public, text.encode(), data)
    origin, size, root = text.split("\n")[:3]
    named = lambda of: bytes([len(of.encode())]) + of.encode()
    tree = bytes(8) + int(size).to_bytes(8, "big") + base64_of(root)
    return is_mldsa_signature(public, b"subtree/v1\n\0" + named(name) + data[:8] + named(origin) + tree, data[8:])


def checkpoint_of(note, vkeys, where, wants_each=True, dates=None, signers=None):
    """The size and root that these keys have signed for the log of their name: one of each type, or any one. `dates` gets
    names and seconds at which their lines say that they were made, `signers` the keys."""
    keys = {(name, number): (kind, public) for name, number, kind, public in map(key_of, vkeys)}
    name = key_of(vkeys[0])[0]
    signed, seen = set(), set()
    text, signatures = note_of(note, where)
    for signer, number, data in signatures:
        kind, public = keys.get((signer, number), (None, None))
        # The first line of a key decides.
        if kind is not None and (signer, number) not in seen:
            seen.add((signer, number))
            if not is_line_of(signer, kind, public, text, data):
                raise Wrong(f"{where}: the signature is not the key's")
            signed.add(kind)
            if signers is not None:
                signers.append(next(vkey for vkey in vkeys if key_of(vkey)[:2] == (signer, number)))
            if kind == 6 and dates is not None and any(data[:8]):
                dates.append((signer, int.from_bytes(data[:8], "big")))
    if not signed:
        raise Wrong(f"{where}: the key has not signed it")
    if wants_each and signed != {kind for kind, _ in keys.values()}:
        raise Wrong(f"{where}: the line of a type that a key was given for is missing")
    origin, size, root = tree_of(text, where)
    if origin != name:
        raise Wrong(f"{where}: it is of another log, {origin}")
    return size, root


def tree_of(text, where):
    """Origin, size and root, of a checkpoint's text."""
    origin, size, root, *more = text.split("\n")[:-1] + ["", "", ""] * (text.count("\n") < 3)
    if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,15}", size) or int(size) >= 2**53 or len(base64_of(root)) != 32 or "" in more:
        raise Wrong(f"{where}: it has no size and root")
    if size == "0" and base64_of(root) != sha256(b""):
        raise Wrong(f"{where}: a tree without entries has another root")
    return origin, int(size), base64_of(root)


# --- Witnesses (C2SP tlog-cosignature, tlog-policy) ------------------------------
class Policy:
    """Which logs are believed, and which witnesses must have cosigned. One wrong line makes all of it refused."""

    def __init__(self, text):
        self.logs, self.witnesses, self.quorum, named, used = [], [], None, {"none": "none"}, set()
        if re.search("[\x00-\x08\x0b-\x1f\x7f]", text):
            raise ValueError("policy: a control character")
        for line in text.split("\n"):
            words = [word for word in re.split("[ \t]+", line) if word]
            if not words or words[0].startswith("#"):
                continue
            what, *rest = words
            if what == "log" and 1 <= len(rest) <= 2:
                self.add(self.logs, rest[0], OF_LOGS)
            elif what == "witness" and 2 <= len(rest) <= 3 and rest[0] not in named:
                self.add(self.witnesses, rest[1], OF_WITNESSES)
                named[rest[0]] = rest[1]
            elif what == "group" and len(rest) >= 3 and rest[0] not in named:
                name, how, *members = rest
                count = {"all": len(members), "any": 1}.get(how) or int(how) * bool(re.fullmatch(r"[1-9]\d{0,5}", how, re.ASCII))
                if not 1 <= count <= len(members) or len({*members} - used - {"none"}) != len(members) or not {*members} <= {*named}:
                    raise ValueError(f"policy: {line}")
                used.update(members)
                named[name] = count, [named[member] for member in members]
            elif what == "quorum" and len(rest) == 1 and self.quorum is None and rest[0] in named:
                self.quorum = named[rest[0]]
            else:
                raise ValueError(f"policy: {line}")
            if max(len(named) - 1, len(self.logs)) > 256:
                raise ValueError("policy: too many names")
        if self.quorum is None:
            raise ValueError("policy: no quorum line")

    @staticmethod
    def add(known, vkey, sizes):
        key = key_of(vkey, sizes)
        if any(key_of(other, sizes)[3] == key[3] for other in known):
            raise ValueError("policy: a key was named before")
        known.append(vkey)

    def is_quorum(self, cosigners, member=None):
        member = self.quorum if member is None else member
        if isinstance(member, str):
            return member == "none" or member in cosigners
        return sum(self.is_quorum(cosigners, inner) for inner in member[1]) >= member[0]


def cosignatures_of(note, policy, where):
    """Seconds, by witness, of the newest line of each that the policy names. Lines of others are passed over."""
    known, found = {key_of(vkey, OF_WITNESSES)[:2]: vkey for vkey in reversed(policy.witnesses)}, {}
    text, signatures = note_of(note, where)
    for name, number, data in signatures:
        vkey = known.get((name, number))
        if vkey is None:
            continue
        seconds = int.from_bytes(data[:8], "big")
        if seconds >= 2**53 or len(data) <= 8 or not is_cosigned(key_of(vkey, OF_WITNESSES), text, data, seconds):
            raise Wrong(f"{where}: invalid cosignature of {name}")
        found[vkey] = max(seconds, found.get(vkey, 0))
    return found


def is_cosigned(key, text, data, seconds):
    name, _, kind, public = key
    try:
        tree_of(text, "")
    except (Wrong, ValueError):
        return False
    if kind == 4:
        return is_signature(public, f"cosignature/v1\ntime {seconds}\n{text}".encode(), data[8:])
    return is_line_of(name, kind, public, text, data)


names_in = lambda found: ", ".join(key_of(vkey, OF_WITNESSES)[0] for vkey in found)


def quorum_problem(policy, found):
    """Why these are too few; None where they are enough."""
    return None if policy.is_quorum({*found}) else f"cosigned by {names_in(found) or 'nobody'}; the policy wants more"


class Seen:
    """So many entries were there, as lines with a time say it. `newest` gets the newest time of an entry that they cover."""

    def __init__(self, size, claims, where, is_seen=True):
        times = [seconds * 1000 for _, seconds in claims] if is_seen else []
        self.size, self.claims, self.where, self.newest = size, claims, where, float("-inf")
        self.not_before = min(times, default=float("-inf")) - CLOCKS_DIFFER
        self.not_after = max(times, default=float("inf")) + CLOCKS_DIFFER

    def hold(self, place, time):
        """Whether an entry of this place can have this time."""
        if place < self.size and self.newest < time <= self.not_after:
            self.newest = time
        return time <= self.not_after if place < self.size else time >= self.not_before

    def problems(self):
        """A cosignature says when somebody saw a tree: not before its entries were, and not later than now."""
        for name, seconds in self.claims:
            time = seconds * 1000
            if time > now() + CLOCKS_DIFFER:
                yield f"{self.where}: the line of {name} is dated {iso(time)}, and it is {iso(now())} here: that is still to come {NAME_THE_TIME}"
            if time + CLOCKS_DIFFER < self.newest:
                yield f"{self.where}: the line of {name} is dated {iso(time)}, and an entry that it covers {iso(self.newest)}: there was no such tree then"
            clock["ahead"] += bool(clock["now"] is not None and own_clock() + CLOCKS_DIFFER < time <= now() + CLOCKS_DIFFER)


def seen_by(found, size, where):
    return Seen(size, [(key_of(vkey, OF_WITNESSES)[0], seconds) for vkey, seconds in found.items()], where)


def iso(ms):
    """As ECMAScript writes it, which has years past 9999."""
    days, rest = divmod(min(int(ms), 8_640_000_000_000_000), 86_400_000)
    # Of 400 years, which have as many days each time.
    turns, day = divmod(days, 146_097)
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    year = date.year + 400 * turns
    text = f"{year:04d}" if 0 <= year <= 9999 else f"{'+' if year > 0 else '-'}{abs(year):06d}"
    return f"{text}-{date:%m-%d}T{rest // 3600000:02d}:{rest // 60000 % 60:02d}:{rest // 1000 % 60:02d}.{rest % 1000:03d}Z"


def witnesses_of(folder, note, vkeys, size, root, policy, findings):
    """Who has cosigned, and what was seen by them: the log's own checkpoint, or the installation's log that holds its digest."""
    origin = key_of(vkeys[0])[0]
    if not policy.logs or any(key_of(vkey)[0] == origin for vkey in policy.logs):
        try:
            found = cosignatures_of(note, policy, "checkpoint")
        except Wrong as wrong:
            findings.append(str(wrong))
            return None
        problem = quorum_problem(policy, found)
        if problem:
            findings.append(f"checkpoint: {problem}")
        return found, size, root, "checkpoint"
    try:
        if not at(folder, "witnessed").is_file():
            raise Wrong("there is none: no witness has seen this log")
        found, known, known_root = witnessed_of(read(at(folder, "witnessed")), vkeys, policy)
    except Wrong as wrong:
        findings.append(f"witnessed: {wrong}")
        return None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        findings.append(f"witnessed: it is no such proof ({error})")
        return None
    if known > size:
        findings.append(f"entry {size}: the log ends after {size} entries, but witnesses have seen {known}")
    return found, known, known_root, "witnessed"


def witnessed_of(data, vkeys, policy):
    text = data.decode()
    said = json.loads(text)
    if json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n" != text or sorted(said) != ["leaf", "note", "payload", "proof", "salt"]:
        raise Wrong("it is no such proof")
    size, root = checkpoint_of(said["note"], vkeys, "its checkpoint", False)
    entry, proof = said["leaf"].encode("ascii"), said["proof"]
    installation = tree_of(note_of(proof.partition("\n\n")[2], "proof")[0], "proof")[0]
    vouching = [vkey for vkey in policy.logs if key_of(vkey)[0] == installation]
    if not vouching:
        raise Wrong("the proof is of a log that the policy does not name")
    verify_proof(proof, entry, vouching)
    leaf = LEAF.fullmatch(entry) if len(entry) <= 4096 else None
    if leaf is None or leaf[5] != b"log.covered" or leaf[6].decode() != installation:
        raise Wrong("the entry says nothing about a checkpoint")
    payload = said["payload"].encode()
    try:
        salt = base64_of(said["salt"])
    except ValueError:
        salt = b""
    if len(salt) != 32 or sha256(b"audit-commit/v1\n" + salt + payload).hex() != leaf[3].decode():
        raise Wrong("salt and payload do not open the entry")
    try:
        opened = json_of(said["payload"])
    except (ValueError, RecursionError):
        opened = None
    digest = sha256(note_of(said["note"], "its checkpoint")[0].encode()).hex()
    is_whole = isinstance(opened, dict) and sorted(opened) == ["sha256", "size"] and is_number(opened["size"])
    if not is_whole or opened["size"] != size or opened["sha256"] != digest:
        raise Wrong("the entry is about another checkpoint")
    found = cosignatures_of(proof.partition("\n\n")[2], policy, "proof")
    problem = quorum_problem(policy, found)
    if problem:
        raise Wrong(problem)
    return found, size, root


# --- Trees (RFC 6962, section 2.1) ---------------------------------------------
leaf_hash = lambda entry: sha256(b"\x00" + entry)
node_hash = lambda left, right: sha256(b"\x01" + left + right)


def tree_hash(leaves):
    if not leaves:
        return sha256(b"")
    while len(leaves) > 1:
        pairs = [node_hash(*leaves[i : i + 2]) for i in range(0, len(leaves) - 1, 2)]
        leaves = pairs + leaves[len(pairs) * 2 :]
    return leaves[0]


def root_of_path(index, size, leaf, path):
    """RFC 9162, section 2.1.3.2; None for a path that leads nowhere."""
    place, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0 or len(sibling) != 32:
            return None
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    return root if last == 0 and index < size else None


# --- An export -------------------------------------------------------------------
RECORD = {
    "payload.erased": re.compile(r"entry:([1-9]\d{0,8}):(0|[1-9]\d{0,14})"),
    "log.pruned": re.compile(r"pruned:([1-9]\d{0,8}):([1-9]\d{0,14})"),
}
PLACE = re.compile(r"(?:tile/(?:entries|(0|[1-9]\d?))|payloads|opened)/((?:x\d{3}/){0,5}\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)
FOLDER = re.compile(r"tile|tile/(?:entries|0|[1-9]\d?)(?:/x\d{3}){0,5}(?:/\d{3}\.p)?|(?:payloads|opened)(?:/x\d{3}){0,5}", re.ASCII)
HALF = re.compile(r"(?:\.tmp|(?:^|/)\.making-[0-9a-f]{8}-\d{1,10}-[0-9a-f]{32})\Z", re.ASCII)
LEAF = re.compile(
    rb'\{"actor":(null|"prn_[0-9a-f]{32}"),"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z","commit":"([0-9a-f]{64})",'
    rb'"id":"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})","kind":"([a-z][a-z0-9_.]{0,62})",'
    rb'"log":"([a-zA-Z0-9][a-zA-Z0-9./:_-]{0,254})","state":(?:null|"[0-9a-f]{64}"),"subj":"([a-z][a-z0-9_:.-]{0,127})",'
    rb'"tenant":"(ten_[0-9a-f]{32})","v":1,"ver":([1-9]\d{0,9})\}')


def name_of(index):
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


def place_of(path, size):
    """Whether a file of this path is covered by a checkpoint of this size, "stale" (smaller than it is now), past its end, or unknown."""
    found = PLACE.fullmatch(path)
    level, index, width = found.groups() if found else (None, "", None)
    level = "entries" if found and not level else level
    if level is None or name_of(int(re.sub("[x/]", "", index))) != index or (width and (int(width) >= WIDTH or path[0] != "t")):
        return "unknown", None
    left = size // WIDTH ** (0 if level == "entries" else int(level)) - int(re.sub("[x/]", "", index)) * WIDTH
    width = int(width or WIDTH)
    if left <= 0 or left < width < WIDTH:
        return "past the end", None
    return ("stale", (level, index, width)) if width < min(left, WIDTH) else ("covered", None)


WHOLE = ".incoming-whole"


def roots_of(folder):
    """A copy that was being moved into its place when its process was killed is all there: what lies in that folder stands in the
    place of what lies beside it."""
    whole = folder / WHOLE
    return [whole, folder] if whole.is_dir() and not whole.is_symlink() else [folder]


def unmoved(folder, findings):
    """A tile never changes: whoever reads the copy without knowing of that folder has to read the same."""
    for root in roots_of(folder)[:-1]:
        for one in sorted((root / "tile").rglob("*")):
            beside = folder / one.relative_to(root)
            if one.is_file() and not one.is_symlink() and beside.is_file() and read(one) != read(beside):
                findings.append(f"{ascii(one.relative_to(root).as_posix())[1:-1]}: it lies in its place and in {WHOLE}, and differs")
        return f"; it was cut off while it was moved into its place: what lies in {WHOLE} was read in the place of the rest"
    return ""


def at(folder, path):
    for root in roots_of(folder):
        if (root / path).is_file():
            return root / path
    return folder / path


def take_inventory(folder, origin, size, published, findings):
    """What lies in the folder beside what was signed: smaller tiles of before by level and name, and how much a copy that was cut off left."""
    stale, left, folders, seen = {}, 0, [(root, root) for root in reversed(roots_of(folder))], set()
    while folders:
        root, within = folders.pop()
        for one in within.iterdir():
            path = one.relative_to(root).as_posix()
            if path in seen or path == WHOLE and root == folder and len(roots_of(folder)) > 1:
                continue
            is_folder = one.is_dir() and not one.is_symlink()
            if root != folder and path.startswith(".incoming-"):
                # Nobody of ours puts one into what is being moved.
                findings.append(f"{ascii(f'{WHOLE}/{path}')[1:-1]}: no log has such a file")
                continue
            if is_folder and FOLDER.fullmatch(path):
                folders.append((root, one))
                continue
            seen.add(path)
            if is_folder and path.startswith(".incoming-") or one.is_file() and not one.is_symlink() and HALF.search(path):
                left += 1
            elif is_folder and re.fullmatch(r"e[1-9]\d*", path) and epoch_of(origin) == 1:
                continue
            elif is_folder or one.is_symlink() or not one.is_file():
                findings.append(f"{ascii(path)[1:-1]}: it is no plain file of a log")
            elif path not in ("checkpoint", "witnessed", "minimum-index"):
                place, held = place_of(path, size)
                if held:
                    stale.setdefault(held[:2], []).append(held[2])
                elif place == "past the end" and published and path.startswith("tile/"):
                    left += 1
                elif place == "past the end":
                    findings.append(f"{path}: it is past the end of what was signed")
                elif place == "unknown":
                    findings.append(f"{ascii(path)[1:-1]}: no log has such a file")
    return stale, left


def check_stale(folder, stale, level, name, hashes, findings):
    """A smaller tile or bundle of before begins the one that is there now. Gives the largest."""
    widths = stale.get((str(level), name), [])
    for width in widths:
        data = read(at(folder, f"tile/{level}/{name}.p/{width}"))
        said = [leaf_hash(entry) for entry in bundle(data, f"tile/{level}/{name}.p/{width}")] if level == "entries" else [data]
        if b"".join(said) != b"".join(hashes[:width]):
            findings.append(f"tile/{level}/{name}.p/{width}: it is smaller than the tree has it now, and says something else")
    return max(widths, default=0)


def tile(folder, level, index, width):
    name = name_of(index)
    found = []
    for path, held in [(f"tile/{level}/{name}.p/{width}", width)] * (width < WIDTH) + [(f"tile/{level}/{name}", WIDTH)]:
        if at(folder, path).is_file():
            found.append((read(at(folder, path)), name, held))
    if not found:
        raise Wrong(f"tile/{level}/{name}: it is missing")
    if not found[-1][0].startswith(found[0][0]):
        raise Wrong(f"tile/{level}/{name}: the partial one and the full one differ, and readers may take either")
    return found[0]


def read(path):
    """What is longer than a file of a log can be is none, and would fill the memory."""
    limit = 2**20 * (500 if path.parent.name in ("payloads", "opened") or "payloads" in path.parts else 16)
    if path.stat().st_size > limit:
        raise Wrong(f"{ascii(str(path))[1:-1]}: it is longer than any file of a log")
    return path.read_bytes()


def bundle(data, where):
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            raise Wrong(f"{where}: an entry is cut off")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def payload_lines(path, first, end, findings):
    """Salt and payload by entry, of lines that are spelled as exports write them, in the order of their entries."""
    opened, last = {}, first - 1
    *lines, rest = read(path).decode().split("\n")
    for line in lines + [rest] * (rest != ""):
        try:
            part = json.loads(line)
            place, salt, payload = part["i"], base64_of(part["s"]), part["p"]
            again = json.dumps({"i": place, "s": part["s"], "p": payload}, ensure_ascii=False, separators=(",", ":"))
            if again != line or line is rest or type(place) is not int or not last < place < end:
                raise ValueError
            opened[place], last = (salt, payload.encode()), place
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            findings.append(f"payloads from entry {first}: a line that opens none of entries {first} to {end - 1}")
    return opened


SEALED = re.compile(r"v1\.([0-9a-f]{64})\.([A-Za-z0-9+/]+={0,2})", re.ASCII)


def check_opened(data, first, entries, opened, findings):
    """Fields that somebody may read say what is sealed in the payload that the entry commits to; nothing else commits to them."""
    last, end = first - 1, first + len(entries)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # What is no UTF-8 is read as other characters than stand there.
        text = data.decode("latin-1")
    *lines, rest = text.split("\n")
    for line in lines + [rest] * (rest != ""):
        try:
            part = json_of(line)
            place, again = part["i"], written({name: part[name] for name in "ikf" if name in part})
            if again != line or type(place) is not int or not last < place < end:
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            findings.append(f"opened fields from entry {first}: a line that is not as exports write them")
            continue
        last = place
        if not opened.get(place) or not is_opened(entries[place - first], opened[place][1], part.get("k"), part.get("f")):
            findings.append(f"entry {place}: the fields that are shown as opened are not those that were sealed in its payload")


def written(value):
    """As ECMAScript writes JSON: places before names, half a character by its number, and numbers in its own way."""
    if isinstance(value, dict):
        is_place = lambda name: re.fullmatch(r"0|[1-9]\d{0,9}", name, re.ASCII) and int(name) < 2**32 - 1
        names = sorted(filter(is_place, value), key=int) + [name for name in value if not is_place(name)]
        return "{" + ",".join(f"{written(name)}:{written(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, float):
        return ("-" if value < 0 else "") + digits_of(abs(value))
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def digits_of(number):
    """ECMA-262, Number::toString, of what is not negative."""
    if number == float("inf"):
        return "null"
    digits, _, power = repr(number).partition("e")
    whole, _, part = digits.partition(".")
    point = len(whole) + int(power or 0) - (len(whole + part) - len((whole + part).lstrip("0")))
    digits = (whole + part).strip("0") or "0"
    if len(digits) <= point <= 21 or digits == "0":
        return digits + "0" * (point - len(digits))
    if -6 < point <= 21:
        return digits[:point] + "." + digits[point:] if point > 0 else "0." + "0" * -point + digits
    return digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point - 1:+d}"


def is_opened(entry, payload, key, fields):
    leaf = LEAF.fullmatch(entry)
    try:
        id, box = SEALED.fullmatch(json_of(payload.decode())["sealed"]).groups()
        key, box = base64_of(key), base64_of(box)
        if leaf is None or len(key) != 32 or sha256(b"assent/sealed-key/v1\n" + key).hex() != id:
            return False
        said = opened_text(key, bytes(12), b"assent/sealed/v1\n" + leaf[8] + b"\n" + leaf[7], box[:16], box[16:])
        return said is not None and is_same_json(json_of(said.decode()), fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def is_same_json(a, b, depth=0):
    """The same in the one form of RFC 8785, which half characters have none in, nor what is nested past what is written."""
    if depth > 64:
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return {*a} == {*b} and all(is_same_json(name, name) and is_same_json(a[name], b[name], depth + 1) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(is_same_json(x, y, depth + 1) for x, y in zip(a, b))
    return is_same_value(a, b) and not (isinstance(a, str) and re.search("[\ud800-\udfff]", a))


def check_upper(folder, leaves, stale, findings):
    """Each hash of a level above the lowest is the root of a full tile below."""
    level, below = 1, leaves
    while len(below) >= WIDTH:
        hashes = [tree_hash(below[at : at + WIDTH]) for at in range(0, len(below) - WIDTH + 1, WIDTH)]
        for index in range(-(-len(hashes) // WIDTH)):
            part = hashes[index * WIDTH : (index + 1) * WIDTH]
            data, name, held = tile(folder, level, index, len(part))
            if len(data) != 32 * held or data[: 32 * len(part)] != b"".join(part):
                findings.append(f"tile/{level}/{name}: it is not what the tiles below give")
            check_stale(folder, stale, level, name, part, findings)
        level, below = level + 1, hashes


def json_of(text):
    """JSON as RFC 8259 has it, which has no NaN, with the numbers of ECMAScript, which payloads are written by."""
    def no_number(word):
        raise ValueError(f"{word} is no JSON")

    def number(digits):
        return float(digits) if len(digits) > 16 or abs(int(digits)) >= 2**53 else int(digits)

    return json.loads(text, parse_constant=no_number, parse_int=number)


# What events do to the state of a run: from where to where. Other events of a run need one that was queued.
RUN = {
    "run_leased": {"queued": "running"}, "run_released": {"running": "queued"}, "run_parked": {"running": "awaiting_approval"},
    "run_resumed": {"awaiting_approval": "queued"}, "run_succeeded": {"running": "succeeded"}, "run_failed": {"running": "failed"},
    "run_cancelled": dict.fromkeys(["queued", "running", "awaiting_approval"], "cancelled"),
    "run_dead_lettered": dict.fromkeys(["queued", "running"], "dead_lettered"),
}
OF_RUNS = set("""step_intended step_succeeded step_failed step_refused step_in_doubt step_retried approval_opened approval_voted
    approval_approved approval_denied approval_confirmed approval_expired approval_cancelled approval_spent artifact_committed
    effects_left""".split())
ENDED = {"succeeded", "failed", "cancelled", "dead_lettered"}
BEGINNING = datetime.datetime(1970, 1, 1)
CLOCKS_DIFFER = 600_000
clock = {"now": None, "ahead": 0}
own_clock = lambda: int(datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000)
now = lambda: own_clock() if clock["now"] is None else clock["now"]
NAME_THE_TIME = "(where this machine's clock is wrong, name the time: --now)"
NAME_IT = f"which is still to come {NAME_THE_TIME}"


def time_given(text):
    """Seconds since 1970, or a time as RFC 3339 has it, in milliseconds."""
    if re.fullmatch(r"\d{1,11}", text, re.ASCII):
        return int(text) * 1000
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError("give a time as RFC 3339 has it, such as 2026-11-21T18:00:00Z")
    moment = datetime.datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    return int(moment.timestamp() * 1000) + int(((found[2] or ".") + "000")[1:4])


def of_time():
    """What the verdict says of the time that was given: whoever names it can make past what is still to come."""
    if clock["now"] is None:
        return ""
    text = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds")
    return (f"; times were held against {text(clock['now'])}, which was given (--now); this machine's clock says {text(own_clock())}"
            + (f", by which {clock['ahead']} times in the log are still to come" if clock["ahead"] else ""))


def milliseconds_of(text):
    """Of a time in UTC, whose digits stand where they belong; None for one that there is not."""
    try:
        moment = datetime.datetime(*map(int, re.split("[-T:.]", text)[:6]))
        return (moment - BEGINNING) // datetime.timedelta(milliseconds=1) + int(text[20:23])
    except ValueError:
        return None


STEP = {"step_intended": "intended", "step_retried": "intended", "step_succeeded": "succeeded", "step_failed": "failed",
        "step_refused": "refused", "step_in_doubt": "in_doubt"}
STEP_FOLLOWS = {None: {"step_intended", "step_refused"}, "intended": {"step_succeeded", "step_failed", "step_in_doubt"},
                "in_doubt": {"step_retried", "step_succeeded", "step_failed"}}
APPROVAL = {"approval_opened": {None: "open"}, "approval_voted": {"open": "open"}, **dict.fromkeys(["approval_approved", "approval_confirmed"], {"open": "approved"}), "approval_denied": {"open": "denied"},
            "approval_expired": {"open": "expired"}, "approval_cancelled": {"open": "cancelled", "approved": "cancelled"},
            "approval_spent": {"approved": "spent"}}
ANSWERS = {"approved": "approved", "confirmed": "approved", "denied": "denied", "expired": "expired"}
MISSING = object()
OF_A_STEP = ("step_kind", "name", "effect", "action_digest", "effect_id")


def why_not_in(state, counts, kind):
    """Why a run can have no event of this kind; None: it can. A state of None is a run that was not queued yet, and "any" one of which
    entries are not there; counts of None, that nothing is known of what is open."""
    if kind == "run_queued":
        is_legal = state is None
    elif kind in RUN:
        is_legal = state == "any" or state in RUN[kind]
    else:
        is_legal = kind not in OF_RUNS or state is not None and state not in ENDED
    if not is_legal:
        return f"is {state or 'not queued yet'}"
    return counts and counts.why_not(kind)


class Counts:
    """How many steps, questions and yeses of a run are open, by the kinds of its events alone, as a mirror has them. Which of them an
    event is about is not known, so how many are in doubt, and how many are yeses, is kept as the fewest and the most that it can be."""

    def __init__(self):
        self.open, self.doubts, self.asked, self.yeses, self.spent = 0, (0, 0), 0, (0, 0), False

    def why_not(self, kind):
        under_way, questions = self.open - self.doubts[0], self.asked - self.yeses[0]
        if kind in ("step_succeeded", "step_failed") and not self.open:
            return "has no step that is open"
        if (kind == "step_in_doubt" or kind == "step_succeeded" and not self.spent) and not under_way:
            return "has no step that is under way"
        if kind == "step_retried" and (not self.doubts[1] or not self.spent):
            return "has no word that was spent just before" if self.doubts[1] else "has no step in doubt"
        if kind == "approval_opened" and self.asked - self.yeses[1] >= under_way:
            return "has no step under way that asks for it"
        if kind in ANSWERING and not questions:
            return "has no question that is open"
        if kind == "approval_cancelled" and not self.asked:
            return "has no question and no yes that is open"
        if kind == "approval_spent" and not self.yeses[1]:
            return "has no yes that was not spent"
        if kind in ("run_resumed", "run_succeeded") and self.asked > self.yeses[1]:
            return "has a question that is open"
        if kind == "run_succeeded" and self.open > self.doubts[1]:
            return "has a step that is under way"
        return None

    def count(self, kind):
        fewer = lambda least, most, by=0: (max(0, least - 1), most - by)
        spent, self.spent = self.spent, kind == "approval_spent"
        if kind == "step_intended":
            self.open += 1
        elif kind == "step_in_doubt":
            self.doubts = self.doubts[0] + 1, self.doubts[1] + 1
        elif kind == "step_retried":
            self.doubts = fewer(*self.doubts, 1)
        elif kind in ("step_succeeded", "step_failed"):
            self.open -= 1
            self.doubts = fewer(*self.doubts) if spent or kind == "step_failed" else self.doubts
        elif kind == "approval_opened":
            self.asked += 1
        elif kind in ("approval_approved", "approval_confirmed"):
            self.yeses = self.yeses[0] + 1, self.yeses[1] + 1
        elif kind in ("approval_denied", "approval_expired", "approval_cancelled", "approval_spent"):
            self.asked -= 1
            if kind in ("approval_cancelled", "approval_spent"):
                self.yeses = fewer(*self.yeses, kind == "approval_spent")
        self.doubts = self.doubts[0], min(self.doubts[1], self.open)
        self.yeses = self.yeses[0], min(self.yeses[1], self.asked)


ANSWERING = {"approval_voted", "approval_approved", "approval_confirmed", "approval_denied", "approval_expired", "run_parked"}


class Trail:
    """What is known of a run that has not ended. `spent` is the approval that the event before spent: None for another event,
    "any" where nobody can tell."""

    def __init__(self, whole):
        self.whole, self.steps, self.approvals, self.effects, self.spent = whole, {}, {}, {}, None if whole else "any"
        self.requester = MISSING

    def loosen(self, kind):
        """What its steps, or approvals, have become is not known any more."""
        self.whole = False
        (self.steps if kind.startswith("step_") else self.approvals).clear()
        if kind == "approval_spent":
            self.spent = "any"


class Objects:
    """What steps, approvals and effects of runs do, as payloads say it: each in order, each call that needs a person's word directly
    behind that word being spent, and none another than what was agreed to or begun."""

    def __init__(self, anywhere, findings):
        self.anywhere, self.findings, self.trails, self.told, self.untold = anywhere, findings, {}, 0, 0
        self.keys = {}

    def follow_key(self, kind, data):
        """Whose a key is, what it may do (which never comes to more), and that it was revoked."""
        if isinstance(data, dict) and isinstance(data.get("key_id"), str) and is_texts(data.get("roles")) and is_texts(data.get("scopes")):
            key = self.keys.setdefault(data["key_id"], {**data, "revoked": False})
            key["revoked"] = key["revoked"] or kind == "key_revoked"

    def forget(self):
        self.anywhere, self.trails = True, {}

    def follow(self, where, run, kind, data, actor):
        """`data` is None where the payload was erased, `actor` where nobody but the harness did it."""
        known = kind == "run_queued" or kind in RUN or kind in OF_RUNS
        if not known or run not in self.trails and kind != "run_queued" and not self.anywhere:
            return
        trail = self.trails.setdefault(run, Trail(kind == "run_queued"))
        spent, trail.spent = trail.spent, None
        wrong = lambda what: self.findings.append(f"{where}, {what}")
        if kind == "run_queued":
            trail.requester = actor
        if kind in RUN and "running" in RUN[kind] and RUN[kind]["running"] in ENDED:
            del self.trails[run]
        elif kind.startswith(("step_", "approval_")):
            step = data.get("step") if isinstance(data, dict) else None
            if data is None:
                trail.loosen(kind)
            elif not isinstance(data, dict) or (not is_number(step) if kind[0] == "s" else not isinstance(data.get("approval_id"), str)):
                wrong(f"its {kind} does not say what of {run} it is about")
                trail.loosen(kind)
            else:
                (self.step if kind[0] == "s" else self.approval)(trail, spent, run, kind, dict(data, actor=actor), wrong)

    def step(self, trail, spent, run, kind, data, wrong):
        number = int(data["step"])
        name, known = f"step {number} of {run}", trail.steps.get(number)
        before = known["state"] if known else None
        if (known or trail.whole) and kind not in STEP_FOLLOWS.get(before, ()):
            return wrong(f"no {kind} can follow when {name} is {before or 'not begun yet'}")
        if known:
            for field in OF_A_STEP:
                if not is_same_value(known["what"].get(field, MISSING), data.get(field, MISSING)):
                    wrong(f"the {field} of {name} is another than when it began")
            known["state"] = STEP[kind]
        else:
            if trail.whole and number != len(trail.steps) + 1:
                wrong(f"{name} begins, and the newest of the run is step {len(trail.steps)}")
            trail.steps[number], effect = {"state": STEP[kind], "what": data}, data.get("effect_id")
            if isinstance(effect, str) and trail.effects.setdefault(effect, number) != number:
                wrong(f"{name} has the effect of step {trail.effects[effect]}")
        self.word(trail, spent, before, kind, number, name, data, wrong)

    def word(self, trail, spent, before, kind, number, name, data, wrong):
        """Whose word it is directly behind, where it is what nobody but a person may begin, try again or take as done."""
        if data.get("step_kind") == "gate":
            answer = data.get("answer") if kind == "step_succeeded" else None
            asked = [one for one in trail.approvals.values() if is_same_value(one["step"], number)]
            if isinstance(answer, str) and answer in ANSWERS and (asked or trail.whole):
                if not asked or asked[-1]["state"] != ANSWERS[answer] or asked[-1]["confirmed"] != (answer == "confirmed"):
                    wrong(f"{name} was answered with {answer}, and its approval was not")
            return
        second = kind == "step_retried" or before == "in_doubt" and kind == "step_succeeded"
        call = kind == "step_intended" and data.get("step_kind") == "tool"
        if call and data.get("verdict") == "deny":
            wrong(f"{name} is a call that was denied, and it was begun")
        if not second and not (call and (data.get("verdict") == "needs_approval" or "approval_id" in data)) or spent == "any":
            return
        if spent is None:
            return wrong(f"{name} needs a person's word for {kind}, and none was spent for it")
        if spent["subject"] is not MISSING and (spent["subject"] == "in_doubt") != second:
            wrong(f"{name} follows a word that was given on another question")
        if second and spent["subject"] is not MISSING and spent["confirmed"] != (kind == "step_succeeded"):
            wrong(f"{name} follows a word that said another thing of it")
        # Events of before name no approval.
        if "approval_id" in data and second == (kind == "step_retried"):
            named = data["approval_id"]
            if not isinstance(named, str) or trail.approvals.get(named) is not spent:
                wrong(f"{name} names an approval that was not spent for it")
            elif not is_same_value(data.get("approved_digest", MISSING), spent["digest"]):
                wrong(f"{name} is not the call that was approved")

    def approval(self, trail, _, run, kind, data, wrong):
        id, digest, step = data["approval_id"], data.get("action_digest", MISSING), data.get("step", MISSING)
        known, name = trail.approvals.get(id), f"approval {id} of {run}"
        before = known["state"] if known else None
        if not known and not trail.whole and kind != "approval_opened":
            after = next(iter(APPROVAL[kind].values()))
        else:
            after = APPROVAL[kind].get(before)
        if after is None:
            return wrong(f"no {kind} can follow when {name} is {before or 'not opened yet'}")
        # What was asked about, where somebody agreed to something else.
        first = data.get("asked_digest") if data.get("asked_digest") is not None else digest
        begun = {"digest": first, "step": step, "subject": data.get("subject", MISSING), "confirmed": False,
                 "voices": Voices(data if kind == "approval_opened" else None)}
        one = trail.approvals.setdefault(id, begun)
        one["state"] = after
        if kind == "approval_opened":
            needed = one["voices"].needed
            if needed == "unclear":
                wrong(f"{name} does not say who has to agree")
            elif needed and trail.requester is not MISSING and trail.requester != needed["requester"]:
                wrong(f"{name} names another requester than the run was queued by")
            gate = trail.steps.get(one["step"]) if is_number(one["step"]) else None
            if (gate or trail.whole) and not (gate and gate["state"] == "intended" and gate["what"].get("step_kind") == "gate"):
                wrong(f"{name} is asked for by no gate that is open")
        else:
            edited = kind == "approval_approved" and "asked_digest" in data
            if not is_same_value(step, one["step"]):
                wrong(f"{name} was asked for by another step")
            if not is_same_value(data["asked_digest"] if edited else digest, one["digest"]):
                wrong(f"{name} is decided for another call than it was asked for")
            if edited:
                one["digest"] = digest
            if kind == "approval_confirmed":
                one["confirmed"] = True
                if one["subject"] not in (MISSING, "in_doubt"):
                    wrong(f"{name} is confirmed, and its call was not made before it")
        if kind in ("approval_voted", "approval_approved"):
            for what in one["voices"].hear(data, kind == "approval_approved", self.keys):
                wrong(f"{name} {what}")
        if kind == "approval_approved":
            is_told = one["voices"].is_told()
            self.told, self.untold = self.told + is_told, self.untold + (not is_told)
        if kind == "approval_spent":
            trail.spent = one


def retired_by(changes, size, signers):
    """The place of the entry by which the last of these keys signs no more; None where one of them does, as far as is known. Keys are
    changed before that is recorded, so what a later entry names may have signed already."""
    places = []
    for vkey in signers:
        place, _, after = next((change for change in reversed(changes) if any(map(vkey.endswith, change[1] + change[2]))), (size, [], []))
        places.append(None if place >= size or any(map(vkey.endswith, after)) else place)
    return None if None in places else max(places, default=None)


KEY_KINDS, KEY_CHANGES = {"key_created", "key_rotated", "key_revoked"}, {"key.added", "key.rotated"}
is_texts = lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value)


def right_of(given):
    """The key (None: an identity provider's token), roles and scopes that a yes names, and the digest of an operator's own rules (None:
    ours). None where it names none, as events of before."""
    right = [given.get(field, MISSING) for field in ("key", "roles", "scopes", "rules")]
    key, roles, scopes, rules = right
    if all(part is MISSING for part in right):
        return None
    is_good = all(part is None or isinstance(part, str) for part in (key, rules)) and is_texts(roles) and is_texts(scopes)
    return right if is_good else "unclear"


def why_no_right(id, roles, scopes, rules, actor, keys):
    """Who it is that might not approve at all, as far as the log tells; what other rules than ours take for a right they alone say."""
    if rules is None and not {"approver", "admin"} & {*roles} and "approvals:decide" not in scopes:
        return "who had no role to approve by"
    key = keys.get(id)
    if key is None:
        return None
    if key["revoked"]:
        return "who used a key that was revoked"
    if key.get("principal_id", MISSING) != actor:
        return "who used a key of somebody else"
    return None if {*roles} <= {*key["roles"]} and {*scopes} <= {*key["scopes"]} else "who had not the role that it names by the key that it names"


class Voices:
    """Whether those who agreed to a call were enough of them, and had the right. Events of before say less: what they do not say is
    not known, and is no finding. People are counted by digests of their names; of whom nobody says which person it is, by principals,
    who are as many, or more."""

    def __init__(self, opened):
        self.needed = None if opened is None else self.needed_by(opened)
        self.quorum = self.needed["quorum"] if isinstance(self.needed, dict) else None
        self.people, self.whole, self.told = set(), opened is not None, opened is not None

    @staticmethod
    def needed_by(opened):
        """What the approval takes; None where that is not said, and "unclear" for what is no such thing."""
        said = opened.get("assent", MISSING)
        if said is MISSING:
            return None
        if not isinstance(said, dict) or not is_number(said.get("quorum")) or not isinstance(said.get("separate_duties"), bool):
            return "unclear"
        listed = said.get("approvers")
        texts = [said.get("requester"), said.get("requester_person"), *(listed if isinstance(listed, list) else [])]
        is_good = all(isinstance(text, str) for text in texts) and (listed is None or isinstance(listed, list))
        return said if is_good else "unclear"

    def is_told(self):
        return isinstance(self.needed, dict) and self.whole and self.told

    def hear(self, said, is_last, keys):
        """One more yes. Gives what is wrong with it, and, of the last one, with all of them."""
        problems, count = [], said.get("quorum")
        if isinstance(count, (int, float)) and not isinstance(count, bool):
            self.quorum = count if self.quorum is None else self.quorum
            if count != self.quorum:
                problems.append(f"is said to take {count} people, and took {self.quorum}")
        given = said.get("given", MISSING)
        right = right_of(given) if isinstance(given, dict) else None
        if isinstance(given, dict) and all(isinstance(given.get(field), str) for field in ("by", "person", "entry")) and right != "unclear":
            self.people.add(given["person"])
            self.told = self.told and right is not None and right[3] is None
            reasons = [self.why_not(given, said) if isinstance(self.needed, dict) else None]
            reasons.append(right and why_no_right(*right, said["actor"], keys))
            problems.extend(f"has a yes of {reason}" for reason in reasons if reason)
        else:
            self.told = False
            if said["actor"] is None:
                self.whole = False
            else:
                self.people.add(said["actor"])
            if given is not MISSING:
                problems.append("has a yes that does not say whose it is")
        if is_last and self.whole and self.quorum is not None and len(self.people) < self.quorum:
            problems.append(f"takes {self.quorum} people, and {len(self.people)} agreed")
        return problems

    def why_not(self, given, said):
        """Whose yes it is that counts for nothing; None: it counts."""
        needed, listed = self.needed, self.needed.get("approvers")
        is_for_several = needed["quorum"] > 1 or needed["separate_duties"]
        if listed is not None and given["entry"] not in listed:
            return "somebody who is not among its approvers"
        if needed["separate_duties"] and (said["actor"] == needed["requester"] or given["person"] == needed["requester_person"]):
            return "who asked for the run"
        if given["by"] != "human" and listed is None and is_for_several:
            return "a program where it takes people"
        return "who changed the call that others had to agree to" if "asked_digest" in said and is_for_several else None


def is_same_value(a, b):
    """Of plain values, true being no number."""
    return a is b or not isinstance(a, (dict, list)) and isinstance(a, bool) == isinstance(b, bool) and a == b


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1 and 1 <= value < 2**53


class Entries:
    """What entries say beside their hashes, one after the other."""

    def __init__(self, origin, told, findings, bounds):
        self.bounds = bounds
        self.origin, self.epoch, self.told, self.findings = origin, epoch_of(origin), told, findings
        self.versions, self.states, self.counts, self.ids, self.tenants, self.unnamed = {}, {}, {}, {}, set(), {}
        self.kept = next((kept for before, _, kept in told["ended"] if before == origin), None)
        self.whole, self.left, self.first, self.reached = True, None, {}, 0
        self.anywhere, self.objects = self.epoch > 1, Objects(self.epoch > 1, findings)
        self.changes, self.records = [], set()
        # Whose log it is, where its name says so.
        named = re.search(r"/(ten_[0-9a-f]{32})(?:/e[1-9]\d*)?$", origin)
        self.tenants.update([named[1]] if named else [])
        self.erased = {place for of, place in told["erased"] if of == self.epoch}
        self.minimum = max([place for of, place in told["pruned"] if of == self.epoch], default=0)

    def hold(self, exact):
        """What later logs go on with, against what the database had of this one when the next one began."""
        for subject, last in self.versions.items():
            for log in self.told["begun"]:
                number, kind, place = log["first"].get(subject, (1, None, None))
                if subject not in log["subjects"]:
                    continue
                is_run, state = subject.startswith("run_"), self.states.get(subject)
                if number <= last or exact and number > last + 1:
                    self.findings.append(f"{subject}: in epoch {log['epoch']}, it goes on with number {number}, and had {last} when that began")
                elif exact and kind and is_run and why_not_in(state, self.counts.get(subject), kind):
                    why = why_not_in(state, self.counts.get(subject), kind)
                    self.findings.append(f"{subject}: in epoch {log['epoch']}, it goes on with {kind}, which cannot follow when it {why}")
        rest = lambda of: {subject: of[subject] for subject in of if subject not in self.versions}
        self.left = [dict(log, first=rest(log["first"]), subjects=rest(log["subjects"])) for log in self.told["begun"]]

    def end(self):
        """What was not named yet, and what the logs before this one have to answer for."""
        self.findings.extend(self.unnamed.values())
        if self.left is None and self.kept is not None:
            self.hold(self.reached == self.kept)
        left = self.told["begun"] if self.left is None else self.left
        if self.epoch == 1 and self.whole and self.kept is not None and self.kept <= self.reached:
            for log in left:
                for subject, (number, _, place) in log["first"].items():
                    self.findings.append(f"{subject}: in epoch {log['epoch']}, it goes on with number {number}, and no log before has it")
        own = {"epoch": self.epoch, "first": self.first, "subjects": self.versions}
        self.told["begun"] = [own, *left] if self.epoch > 1 and self.whole else []

    def forget(self, first, end):
        """There are entries that nothing is known of."""
        if self.left is None and self.kept is not None and self.kept <= end:
            self.hold(self.kept <= first)
        self.reached, self.whole = end, False
        self.versions, self.states, self.counts, self.anywhere = {}, {}, {}, True
        self.objects.forget()

    def check(self, place, entry):
        """What the entry commits to."""
        leaf = LEAF.fullmatch(entry) if len(entry) <= 4096 else None
        if leaf is None:
            self.findings.append(f"entry {place}: it has not the form of an entry")
            return None
        actor, at, commit, id, kind, log, subject, tenant, version = (part.decode() for part in leaf.groups())
        self.tenants.add(tenant)
        if log != self.origin or len(self.tenants) > 1:
            self.findings.append(f"entry {place}: it is of another log, {log}, tenant {tenant}")
        self.check_time(place, at, id)
        if place == self.kept and self.left is None:
            self.hold(True)
        self.reached = place + 1
        if self.epoch > 1 and self.whole and subject not in self.versions and int(version) > 1:
            self.first[subject] = int(version), kind, place
        before = self.versions.get(subject, int(version) - 1 if self.anywhere else 0)
        if int(version) != before + 1:
            self.findings.append(f"entry {place}: number {version} of {subject}, after {before}")
        self.versions[subject] = int(version)
        if subject.startswith("run_"):
            self.check_run(place, subject, kind)
        is_first = place == 0 and self.epoch > 1
        if (kind, subject) != ("log.epoch_begun", f"epoch:{self.epoch}") if is_first else kind == "log.epoch_begun" and re.fullmatch(r"epoch:\d+", subject):
            self.findings.append(f"entry {place}: in epoch {self.epoch}, it is {kind} of {subject}: a log that follows begins with that, and no other has it")
        if kind in RECORD:
            self.check_record(place, subject, kind)
        return commit, subject, kind, None if actor == "null" else actor[1:-1]

    def follow(self, place, entry, opening):
        """`opening` is what the entry's bundle says that opens it: None where that was erased."""
        commit, subject, kind, actor = entry
        if subject.startswith("run_") or kind in KEY_KINDS | KEY_CHANGES:
            data = None
            if opening and len(opening[0]) == 32 and sha256(b"audit-commit/v1\n" + opening[0] + opening[1]).hex() == commit:
                try:
                    data = json_of(opening[1].decode())
                    data = () if data is None else data
                except (ValueError, RecursionError):
                    data = ()
            if not subject.startswith("run_") and kind in KEY_CHANGES:
                texts = [data.get(which) for which in ("before", "after")] if isinstance(data, dict) else []
                if texts and all(is_texts(some) and all(some) for some in texts):
                    self.changes.append((place, *texts))
            elif kind in KEY_KINDS:
                self.objects.follow_key(kind, data)
            else:
                known = len(self.findings)
                self.objects.follow(f"entry {place}: in epoch {self.epoch}", subject, kind, data, actor)
                # What its payload says is wrong names it better.
                if len(self.findings) > known:
                    self.unnamed.pop(place, None)

    def check_time(self, place, at, id):
        time = milliseconds_of(at)
        if time is None:
            self.findings.append(f"entry {place}: in epoch {self.epoch}, its time is {at}Z, which there is not")
        elif time > now() + CLOCKS_DIFFER:
            self.findings.append(f"entry {place}: in epoch {self.epoch}, its time is {at}Z, {NAME_IT}")
        elif int(id[:8] + id[9:13], 16) != time:
            self.findings.append(f"entry {place}: in epoch {self.epoch}, its id was made at another time than it says")
        for bound in self.bounds if time is not None else []:
            if not bound.hold(place, time):
                which = "forward" if place < bound.size else "back"
                self.findings.append(f"entry {place}: in epoch {self.epoch}, its time is {at}Z, and witnesses had seen {bound.size} entries by then: it was dated {which}")
        clock["ahead"] += bool(clock["now"] is not None and time and own_clock() + CLOCKS_DIFFER < time <= now() + CLOCKS_DIFFER)
        if self.ids.setdefault(id, place) != place:
            self.findings.append(f"entry {place}: in epoch {self.epoch}, its id is that of entry {self.ids[id]}")

    def check_run(self, place, subject, kind):
        state = self.states.get(subject, "any" if self.anywhere else None)
        after = state
        if kind == "run_queued":
            after = "queued"
        elif kind in RUN:
            after = RUN[kind].get(state) or set(RUN[kind].values()).pop()
        why = why_not_in(state, self.counts.get(subject), kind)
        if why and not (kind == "run_queued" and state == "any" and subject not in self.states):
            self.unnamed[place] = f"entry {place}: in epoch {self.epoch}, no {kind} can follow when {subject} {why}"
            return
        self.states[subject] = after
        if kind == "run_queued":
            self.counts[subject] = Counts()
        elif after in ENDED:
            self.counts.pop(subject, None)
        elif subject in self.counts and kind in OF_RUNS | {*RUN}:
            self.counts[subject].count(kind)

    def check_record(self, place, subject, kind):
        said = RECORD[kind].fullmatch(subject)
        of, at = map(int, said.groups()) if said else (0, 0)
        is_good = said and of <= self.epoch
        if kind == "payload.erased":
            is_good = is_good and (of < self.epoch or at < place)
        else:
            is_good = is_good and at % WIDTH == 0 and (of < self.epoch or at <= place)
        if not is_good:
            self.findings.append(f"entry {place}: it records {kind} of {subject}, which is nothing before it")
        elif kind == "payload.erased":
            if of == self.epoch and at in self.records or place in self.erased:
                self.findings.append(f"entry {place}: it records the erasure of {subject}, and one of the two is the record of another erasure, and erased")
            if of == self.epoch:
                self.erased.add(at)
            else:
                self.told["erased"].append((of, at))
        elif of == self.epoch:
            self.minimum = max(self.minimum, at)
        else:
            self.told["pruned"].append((of, at))
        if kind == "payload.erased":
            self.records.add(place)


def epoch_of(origin):
    return int((re.search(r"/e([1-9]\d*)$", origin) or [0, "1"])[1])


def verify_export(folder, vkeys, remembered, findings, told, policy=None, since=None):
    """`since` is when the newest cosignature may have been made at the earliest, in milliseconds. `told` has what later logs of the tenant record of earlier ones, and gets what this one does."""
    if not at(folder, "checkpoint").is_file():
        raise Wrong("checkpoint: there is none")
    dates, signers = [], []
    note = read(at(folder, "checkpoint")).decode()
    size, root = checkpoint_of(note, vkeys, "checkpoint", dates=dates, signers=signers)
    bounds = [Seen(size, dates, "checkpoint", False)]
    witnessed = None if policy is None else witnesses_of(folder, note, vkeys, size, root, policy, findings)
    if witnessed:
        found, known, _, where = witnessed
        newest = max(found.values(), default=0) * 1000
        if since is not None and newest < since:
            findings.append(f"checkpoint: the newest cosignature is of {iso(newest) if newest else 'never'}: newer entries may be held back")
        bounds += [seen_by(found, known, where)] * bool(found)
    if remembered is not None and policy is not None:
        try:
            before = cosignatures_of(remembered, policy, "remembered checkpoint")
            bounds += [seen_by(before, checkpoint_of(remembered, vkeys, "remembered checkpoint", False)[0], "remembered checkpoint")] * bool(before)
        except Wrong:
            # What the memory itself is, is looked at below; a line of a witness that is wrong says no time.
            pass
    origin, leaves, commits, opened = key_of(vkeys[0])[0], [], [], {}
    unopened, holes, epoch, checks = [], [], epoch_of(origin), Entries(origin, told, findings, bounds)
    stale, left = take_inventory(folder, origin, size, told["published"], findings)
    moving = unmoved(folder, findings)
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        hashes, name, held_hashes = tile(folder, 0, index, width)
        first, parts = index * WIDTH, [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        check_stale(folder, stale, 0, name, parts, findings)
        kept = check_stale(folder, stale, "entries", name, parts, findings)
        # A bundle that is gone: whether it may be, a later entry says (C2SP tlog-tiles, "Pruning"). A smaller one of before may be there still.
        if width == WIDTH and len(hashes) == 32 * WIDTH and not at(folder, f"tile/entries/{name}").is_file():
            data, held, width = read(at(folder, f"tile/entries/{name}.p/{kept}")) if kept else b"", kept, kept
            holes.append(first + kept)
            for what, called in (("payloads", "payloads"), ("opened", "opened fields")) if not kept else ():
                if at(folder, f"{what}/{name}").is_file():
                    findings.append(f"{called} from entry {first}: the entries that they are of are not there")
        else:
            data, _, held = tile(folder, "entries", index, width)
        entries, said = bundle(data, f"tile/entries/{name}"), []
        if len(entries) < width:
            raise Wrong(f"entry {first + len(entries)}: it is missing")
        if len(entries) != held or len(hashes) != 32 * held_hashes:
            findings.append(f"entry {first + width}: there is more than was signed")
        for i, entry in enumerate(entries[:width]):
            place = len(leaves)
            leaves.append(leaf_hash(entry))
            if hashes[32 * i : 32 * i + 32] != leaves[-1]:
                findings.append(f"entry {place}: it is not what the tile holds")
            said.append(checks.check(place, entry))
            commits.append(said[-1] and said[-1][0])
        payloads = at(folder, f"payloads/{name}")
        if width and payloads.is_file():
            opened.update((place, None) for place in range(first, len(leaves)))
            opened.update(payload_lines(payloads, first, len(leaves), findings))
            for i in (i for i in range(width) if said[i]):
                checks.follow(first + i, said[i], opened[first + i])
        elif width:
            unopened.append((first, len(leaves) - 1))
            checks.objects.forget()
        if width and at(folder, f"opened/{name}").is_file():
            check_opened(read(at(folder, f"opened/{name}")), first, entries[:width], opened, findings)
        if holes and holes[-1] == len(leaves):
            leaves += parts[width:]
            commits += [None] * (WIDTH - width)
            checks.forget(first + width, first + WIDTH)
    checks.end()
    retired = retired_by(checks.changes, size, signers)
    if retired is not None:
        findings.append(f"checkpoint: entry {retired} says that the keys which signed it sign no more")
    erased, minimum = checks.erased, checks.minimum
    for bound in bounds:
        findings.extend(bound.problems())
    # A mirror has no payloads at all; a copy with some of them had the others taken out.
    for first, last in unopened if opened else []:
        findings.append(f"entries {first} to {last}: their payloads' file is missing")
    for first in (first for first in holes if first >= minimum):
        findings.append(f"entries {first} to {first - first % WIDTH + WIDTH - 1}: they are missing, and no entry records that they were pruned")
    check_upper(folder, leaves, stale, findings)
    if tree_hash(leaves) != root:
        findings.append(f"entries 0 to {size - 1}: they do not give the root that was signed")
    if witnessed and witnessed[0] and witnessed[1] <= size and tree_hash(leaves[: witnessed[1]]) != witnessed[2]:
        findings.append(f"entries 0 to {witnessed[1] - 1}: the first {witnessed[1]} entries are not those that were witnessed")
    for place, part in opened.items():
        if (part is None) != (place in erased):
            findings.append(f"entry {place}: its payload is gone without a record, or there in spite of one")
        elif part and (len(part[0]) != 32 or sha256(b"audit-commit/v1\n" + part[0] + part[1]).hex() != commits[place]):
            findings.append(f"entry {place}: salt and payload are not those it commits to")
    check_end(told, origin, size, leaves, findings)
    if epoch > 1 and opened.get(0) and not findings:
        said = earlier_of(opened[0][1].decode())
        if said is None:
            findings.append(f"entry 0: in epoch {epoch}, it does not say which log this one followed, where that ended, and how much of it there was")
        elif said[0] != origin.removesuffix(f"/e{epoch}") + (f"/e{epoch - 1}" if epoch > 2 else ""):
            findings.append(f"entry 0: it says that this log followed {ascii(said[0])[1:-1]}, which is not the one before it")
        else:
            told["ended"].append(said)
    if remembered is not None:
        known, before = checkpoint_of(remembered, vkeys, "remembered checkpoint", False)
        if known > size:
            findings.append(f"entry {size}: the log ends here, and had {known} entries when it was remembered")
        elif tree_hash(leaves[:known]) != before:
            findings.append(f"entries 0 to {known - 1}: they are not those that were remembered")
    untold, by = checks.objects.untold, ""
    if witnessed and witnessed[0]:
        by = f"; witnesses: {names_in(witnessed[0])}"
        if witnessed[1] < size:
            by += f", of the first {witnessed[1]} entries only: the other {size - witnessed[1]} were not witnessed"
    return f"{size} entries" + by + (f"; of {untold} approvals it does not say who had to agree, who did, or by what right" if untold else "") + (f", pruned up to {minimum} by record" if minimum else "") + (
        f"; {left} files that are not signed, or were left by a copy that was cut off, were not read" if left else "") + moving


def earlier_of(payload):
    """What a log's first entry says of the one before: its name, size and root where any of it was signed, and how many entries
    the database had of it. None for what does not say all of that."""
    try:
        said = json_of(payload)
        before, note, kept = said["before"], said["last_checkpoint"], said["database_size"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(before, str) or not (note is None or isinstance(note, str)) or not (kept == 0 or is_number(kept)) or isinstance(kept, bool):
        return None
    if note is None:
        return before, None, int(kept)
    try:
        # Signed by keys of then, which may be nobody's any more: the later log has signed that it was so.
        origin, size, root = tree_of(note_of(note, "")[0], "")
    except (Wrong, ValueError):
        return None
    return (before, (size, root), int(kept)) if origin == before else None


def check_end(told, origin, size, leaves, findings):
    """The first entry of the log that followed says where this one ended, and how much of it a restored backup had left."""
    _, ended, kept = next((said for said in told["ended"] if said[0] == origin), (None, None, 0))
    if ended is None:
        return
    known, root = ended
    if size < min(known, kept):
        findings.append(f"entry {size}: the log ends here, and had {known} entries when the next one began")
    elif size >= known and tree_hash(leaves[:known]) != root:
        findings.append(f"entries 0 to {known - 1}: they are not those that the next log accounts for")


def verify_proof(proof, entry, vkeys):
    head, found, note = proof.partition("\n\n")
    lines = head.split("\n")
    if len(lines) > 1 and lines[1].startswith("extra "):
        base64_of(lines.pop(1)[6:])
    if not found or lines[0] != "c2sp.org/tlog-proof@v1" or not re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines[1]) or len(lines) > 65:
        raise Wrong("proof: it has not the form of one")
    size, root = checkpoint_of(note, vkeys, "proof")
    index = int(lines[1][6:])
    if root_of_path(index, size, leaf_hash(entry), [base64_of(line) for line in lines[2:]]) != root:
        raise Wrong("proof: the hashes do not lead from the entry to the signed root")
    return f"entry {index} of {size}"


def epoch_of_copy(folder):
    return epoch_of(read(at(folder, "checkpoint")).decode().split("\n")[0])


def verify_later(folder, vkeys, origin, findings, told):
    """What a later log records counts where it verifies, under keys of its own."""
    name = read(at(folder, "checkpoint")).decode().split("\n")[0]
    keys = [key for key in vkeys if key_of(key)[0] == name and name != origin]
    if not keys:
        raise Wrong(f"{folder}: no key of a log that follows {origin} was given for it")
    own = []
    verify_export(folder, keys, None, own, told)
    told["begun"] = [] if own else told["begun"]
    findings.extend(f"{folder}, {finding}" for finding in own)


def policy_given(given):
    if given.policy is not None and given.witness:
        raise ValueError("give a policy or witnesses")
    if given.policy is not None:
        return Policy(read(given.policy).decode())
    lines = [f"witness w{i} {vkey}\n" for i, vkey in enumerate(given.witness)]
    all_of_them = "".join(f" w{i}" for i in range(len(lines)))
    return Policy("".join(lines) + f"group every all{all_of_them}\nquorum every\n") if lines else None


def cut_unnoticed(remembered, policy, since):
    """What a verdict that nothing is wrong cannot say, for want of what whoever verifies has not brought along: a line, or none. It
    is no finding, since nothing of the log says so."""
    if remembered is not None:
        return []
    if policy is None or policy.quorum == "none":
        return ["without a kept checkpoint (--remembered) or a quorum of witnesses (--policy) a log that was cut short to an older signed state looks whole"]
    if since is None:
        return ["without a kept checkpoint (--remembered) or an age of cosignatures (--cosigned-within) a log that was cut short to an older cosigned state looks whole"]
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["export", "proof"])
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("--key", required=True, action="append", help="the log's verifier keys, from somebody you trust")
    parser.add_argument("--remembered", type=pathlib.Path, help="a checkpoint that you kept")
    parser.add_argument("--policy", type=pathlib.Path, help="which witnesses must have cosigned: a file of C2SP tlog-policy")
    parser.add_argument("--witness", action="append", default=[], help="the same of one log's own checkpoint: all of these must have")
    parser.add_argument("--cosigned-within", type=int, help="how old the newest cosignature may be, in minutes")
    parser.add_argument("--later", type=pathlib.Path, action="append", default=[], help="a copy of a log that followed")
    parser.add_argument("--published", action="store_true", help="a server writes to the folder: tiles come before their checkpoint")
    parser.add_argument("--now", type=time_given, help="what time it is (RFC 3339), where this machine's clock is wrong; the verdict says so")
    parser.add_argument("--entry", type=pathlib.Path, help="the entry that the proof is of")
    given = parser.parse_args()
    findings, unnoticed, clock["now"], clock["ahead"] = [], [], given.now, 0
    try:
        first = key_of(given.key[0])[0]
        base = first.removesuffix(f"/e{epoch_of(first)}")
        follow = {f"{base}/e{epoch_of(name)}" for name in map(lambda key: key_of(key)[0], given.key) if epoch_of(name) > epoch_of(first)}
        if {key_of(key)[0] for key in given.key} - {first} - (follow if given.later else set()):
            raise ValueError("they are of several logs")
        if given.what == "proof" and given.entry is None:
            parser.error("--entry is needed")
        policy = policy_given(given)
        if given.cosigned_within is not None and policy is None:
            parser.error("--cosigned-within needs --policy or --witness")
    except (ValueError, IndexError, OSError) as error:
        parser.error(f"--key, --policy or --witness: {error}")
    try:
        told = {"erased": [], "pruned": [], "ended": [], "begun": [], "published": given.published}
        # The last one first: what was erased in a log, and where it ended, a log after it says.
        for later in sorted(given.later, key=epoch_of_copy, reverse=True):
            verify_later(later, given.key, first, findings, told)
        given.key = [key for key in given.key if key_of(key)[0] == first]
        if given.what == "proof":
            what = verify_proof(read(given.path).decode(), read(given.entry), given.key)
        else:
            remembered = read(given.remembered).decode() if given.remembered else None
            since = None if given.cosigned_within is None else now() - given.cosigned_within * 60_000
            what, unnoticed = verify_export(given.path, given.key, remembered, findings, told, policy, since), cut_unnoticed(remembered, policy, since)
    except Wrong as wrong:
        findings.append(str(wrong))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        findings.append(f"{given.path}: it cannot be read as what it should be ({error})")
    print("\n".join(findings + [of_time()[2:]] * bool(of_time()) if findings else [f"verified: {what}{of_time()}", *unnoticed]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
