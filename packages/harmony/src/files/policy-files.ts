// Policies as files: few, and each its own file, so that two people who add one at the same time do not overwrite each
// other. Whatever stands at a policy's name and is none (half of a merge by git, a later version's, a link) may have been
// a rule that wants a person, so a person is asked until it is mended or removed.

import { longId, parseId } from "../ids.ts";
import { POLICY_SIZE_BYTES_MAX } from "../limits.ts";
import { policiesDir, policyPath } from "../paths.ts";
import { comparePolicies, policyFromJson, policyToJson, unreadablePolicy, type Policy } from "../policies.ts";
import type { DurableFiles } from "./durable-files.ts";
import { FolderIndex } from "./folder-index.ts";
import { decodeRecord, encodeRecord, idOfName, inTheWay, RECORD_NAME } from "./record-codec.ts";

const decode = (name: string, bytes: Uint8Array): Policy | null =>
  decodeRecord(bytes, policyFromJson, (policy) => policy.policyId === idOfName(name));

export class PolicyFiles {
  readonly #files: DurableFiles;
  readonly #index: FolderIndex<Policy>;

  constructor(files: DurableFiles) {
    this.#files = files;
    this.#index = new FolderIndex(files, {
      path: policiesDir(files.root),
      namePattern: RECORD_NAME,
      sizeBytesMax: POLICY_SIZE_BYTES_MAX,
      decode,
      unreadable: (name) => unreadablePolicy(idOfName(name)),
      compare: comparePolicies,
    });
  }

  save(policy: Policy): boolean {
    const { root } = this.#files;
    const bytes = encodeRecord(policyToJson(policy), POLICY_SIZE_BYTES_MAX, policyFromJson);
    const path = policyPath(root, policy.policyId);
    if (this.#files.create(policiesDir(root), path, bytes)) return true;
    if (this.#read(policy.policyId) === "unreadable") throw inTheWay(path, "this policy");
    return false;
  }

  load(policyId: string): Policy | null {
    const id = parseId(policyId, "policy_id");
    const found = this.#read(id);
    return found === "unreadable" ? unreadablePolicy(id) : found;
  }

  #read(id: string): Policy | "unreadable" | null {
    const { root } = this.#files;
    const path = policyPath(root, id);
    if (!this.#files.hasFolder(policiesDir(root)) || this.#files.operations.statAt(path) === null)
      return null;
    const bytes = this.#files.read(path, POLICY_SIZE_BYTES_MAX);
    const policy = bytes === null ? null : decode(`${longId(id, { strip: true })}.json`, bytes);
    return policy ?? "unreadable";
  }

  list(): readonly Policy[] {
    return this.#index.records();
  }

  remove(policyId: string): boolean {
    return this.#files.remove(policiesDir(this.#files.root), policyPath(this.#files.root, policyId));
  }
}
