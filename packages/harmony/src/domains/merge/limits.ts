// Every limit of the merge domain, with its unit and the reason for it.

/** Bytes of a conflicted file that we read. Larger ones are generated or data; git itself merges them poorly. */
export const FILE_SIZE_BYTES_MAX = 8_388_608;
/** Conflicts in one file. More is a whole-file rewrite that nobody decides piece by piece; and the record of a pending
 * file, seven values for each, must stay below the store's own bound on values in one JSON file. */
export const CONFLICTS_PER_FILE_MAX = 1_000;
/** Git's own default; `conflict-marker-size` in .gitattributes sets another. */
export const MARKER_SIZE_DEFAULT = 7;
/** Shorter runs of `<`, `=`, `>` stand in ordinary text everywhere. */
export const MARKER_SIZE_MIN = 3;
/** Longer runs are ornaments. Bounds the sizes tried when the size is not told. */
export const MARKER_SIZE_MAX = 256;
/** Different marker sizes tried in one file when the size is not told: each one is a pass over the file. */
export const MARKER_SIZES_TRIED_MAX = 16;
/** UTF-8 bytes of base, ours and theirs together kept beside a pattern: leaves room in its 64 KiB even when escaped. */
export const REMEMBERED_TEXT_BYTES_MAX = 24_576;
/** Lines or tokens of one sequence that is aligned; Myers' cost grows with length times difference. */
export const ALIGNED_LENGTH_MAX = 50_000;
/** Characters of three texts together that are merged token by token, about twenty times an ordinary conflict's. */
export const TOKEN_MERGE_LENGTH_MAX = 65_536;
/** Edit steps after which two sequences are called unlike. Cost grows with the square: at 2,000 the slowest hundredth of
 * answers in a real history took 187 ms, for texts whose merge nobody would trust. */
export const EDIT_DISTANCE_MAX = 400;
/** Bytes of the record of one conflicted file: its text once more, JSON-escaped (control characters take six bytes). */
export const PENDING_SIZE_BYTES_MAX = 67_108_864;
/** Conflicted files remembered at a time; a merge with more is not resolved file by file. */
export const PENDING_FILES_MAX = 20_000;
/** Bytes of the experience ledger that are read, its newest part: about 50,000 decided conflicts. */
export const EXPERIENCE_SIZE_BYTES_MAX = 16_777_216;
/** Outcomes of the ledger that are learned from, its newest: more would cost a second at each command. */
export const OUTCOMES_MAX = 10_000;
/** Distinct texts of one conflict that are weighed; further ones are past answers that all contradict each other. */
export const SITUATION_TEXTS_MAX = 64;
/** Words said of one text, and characters of one: makers, and a few words of evidence for each. */
export const SITUATION_WORDS_MAX = 64;
export const SITUATION_WORD_LENGTH_MAX = 40;
/** Bytes of one conflict's places that are read, the newest: about 300, and one of two is enough to decide. */
export const PLACES_SIZE_BYTES_MAX = 65_536;
/** Characters of a path that we take. */
export const PATH_LENGTH_MAX = 4_096;
/** Precedents of one kind looked at for one conflict: more of them say the same again. */
export const PRECEDENTS_MAX = 8;
/** Candidates shown for one conflict: the right text is among the first three for 83% (spec/harmony.md). */
export const CANDIDATES_SHOWN_MAX = 3;
