// Every limit of the merge domain, with its unit and the reason for it.

/** Bytes of a conflicted file that we read. Larger ones are generated or data; git itself merges them poorly. */
export const FILE_SIZE_BYTES_MAX = 8 * 1_048_576;
/** Conflicts in one file. More is a whole-file rewrite that nobody decides piece by piece. */
export const CONFLICTS_PER_FILE_MAX = 10_000;
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
/** Edit steps after which two sequences are called unlike: bounds an alignment's time and memory to about 2 M cells. */
export const EDIT_DISTANCE_MAX = 2_000;
