// Bugs of whoever keeps documents of several tenants. Tried at night, beside the product's own (tests/security/tenants).

export const LIBRARY_BUGS = {
  "lib.all": "searches everybody's documents",
  "lib.topk": "takes the best of all, and leaves out those of others then",
  "lib.beside": "gives a run whatever documents it has first",
  "lib.user": "hands passages on as the requester's words",
  "lib.tool": "looks for the tenant where it begins a run, and not where its tool is called",
  "lib.cache": "remembers what its tool has found for a question, whoever asks",
  "lib.pages": "remembers what a search over HTTP has found for a question, whoever asks",
  "lib.names": "tells a run the names of what others have of it",
  "lib.twins": "keeps equal texts once, and takes them away for whoever has one",
  "lib.place": "puts a document in the place of another tenant's of the same name",
  "lib.lists": "lists everybody's documents to one tenant",
  "lib.shifted": "says of each passage that it is of another document of the tenant",
  "lib.kept": "finds with its tool what was removed",
  "lib.about": "shows what is said about a document with what its tool finds",
} as const;

/** What is as good, and theirs to choose. */
export const LIBRARY_WAYS = {
  "way.digests": "names a document by what stands in it, in every tenant alike",
  "way.footers": "says behind each passage which document it is of",
} as const;
export type LibraryWay = keyof typeof LIBRARY_WAYS;
export const isLibraryWay = (name: string): name is LibraryWay => Object.hasOwn(LIBRARY_WAYS, name);

export type LibraryBug = keyof typeof LIBRARY_BUGS;

export const isLibraryBug = (name: string): name is LibraryBug => Object.hasOwn(LIBRARY_BUGS, name);
