// Every limit in one place, with its unit and the reason for it. What lies past a limit is refused at write;
// a file past it was not written by us and is skipped at read.

/** Bytes of an escalation's file, UTF-8. The seed document's `_MAX_ESCALATION_BYTES`. */
export const ESCALATION_SIZE_BYTES_MAX = 16_384;
/** Bytes of a pattern's file: it names a question, it does not hold the files in question. */
export const PATTERN_SIZE_BYTES_MAX = 65_536;
/** Bytes of a resolution's file: it holds the text that is replayed, at most one resolved conflict. */
export const RESOLUTION_SIZE_BYTES_MAX = 1_048_576;
/** Bytes of a policy's file: a rule that nobody can read on one screen is not a rule. */
export const POLICY_SIZE_BYTES_MAX = 16_384;
/** Bytes of an audit entry's file. */
export const AUDIT_SIZE_BYTES_MAX = 65_536;
/** Nesting of any JSON we read: a deeper file is an attack on recursive readers, ours or somebody else's. */
export const JSON_DEPTH_MAX = 16;
/** Values (objects, lists, members) of any JSON we read: bounds the memory that a small file can claim. */
export const JSON_VALUES_MAX = 10_000;
/** Entries of one folder that a listing looks at. More: the listing is refused, an exact answer still works. */
export const FOLDER_ENTRIES_MAX = 2_000_000;
/** Characters of a reason or rationale; leaves room for the rest of an escalation even when every one is escaped. */
export const NAME_LENGTH_MAX = 1_024;
