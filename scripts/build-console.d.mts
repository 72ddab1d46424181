/** Builds the web console where its sources changed. @returns null, or why it could not be built */
export function buildConsole(say?: (line: string) => void, root?: string): string | null;
