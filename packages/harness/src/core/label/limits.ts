// Every limit of the labels: its name says the unit, its comment why it exists and what happens past it. What could
// not be looked at is never called trusted.

/** Rounds of decoding a text is taken through; a value wrapped deeper is not seen through, and so not trusted. */
export const DECODE_ROUNDS_MAX = 5;

/** Different readings of one text. Each costs as much as the text itself; further ones are left out. */
export const VIEWS_MAX = 8;

/** A base character with more marks than this is cut: composing is quadratic in a pathological pile of marks. */
export const CLUSTER_UNITS_MAX = 32;

/** Trusted text of one run (all readings). What comes after is not indexed, so nothing in it is called trusted. */
export const TRUSTED_CHARS_MAX = 1024 * 1024;

/** Untrusted text of one run (all readings). Past it whatever is not trusted is untrusted. */
export const UNTRUSTED_CHARS_MAX = 24 * 1024 * 1024;

/** Slots of a hash table tried for one key. A text made to collide fills the index up: see UNTRUSTED_CHARS_MAX. */
export const TABLE_PROBES_MAX = 128;

/** Nesting of a call's arguments; what lies deeper gets one label together: untrusted. */
export const ARGUMENT_DEPTH_MAX = 32;

/** Leaves of one call that get a label of their own; the container of the rest is untrusted. */
export const ARGUMENT_LEAVES_MAX = 20_000;

/** Comparisons of one `label` call, so that its time is bounded; past them nothing more is found trusted. */
export const LABEL_COMPARISONS_MAX = 2_000_000;

/** Characters of one leaf that are looked at; a longer one is untrusted: no rule could rest on half of it. */
export const LEAF_CHARS_MAX = 1024 * 1024;

/** References of one leaf: enough to point at, few enough to keep in the journal. */
export const SOURCES_PER_LEAF_MAX = 4;

/** Fields of one type read from one text; past it the text counts as ambiguous. */
export const FIELDS_MAX = 10_000;

/** Characters of one call's texts once its handles are resolved, and handles in it; more is refused as the model's mistake. */
export const RESOLVED_CHARS_MAX = 4 * 1024 * 1024;
export const HANDLE_USES_MAX = 256;
