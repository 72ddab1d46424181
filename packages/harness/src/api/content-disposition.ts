/**
 * RFC 6266, with RFC 8187 for names beyond ASCII. Nothing of the name can end the header, the quotes or the folder:
 * it was chosen by an agent.
 */
export function contentDisposition(name: string): string {
  const bare = name
    .toWellFormed()
    .replaceAll(/[/\\\p{Cc}\p{Cf}]/gu, "_")
    .replace(/^\.+/, "_");
  const fallback = bare.replaceAll(/[^A-Za-z0-9._ -]/g, "_") || "artifact";
  const extended = encodeURIComponent(bare || "artifact").replaceAll(
    /['()*!]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${fallback}"; filename*=UTF-8''${extended}`;
}
