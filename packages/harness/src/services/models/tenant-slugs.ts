// A tenant's name never changes, so it is read once, as long as the tenant is not among those that nobody has asked for longest.

export const SLUGS_MAX = 1_000;

/**
 * @param max names that are kept
 * @returns the tenant's name; `read` is asked for one that is not kept, and what it throws is remembered of nobody
 */
export function createTenantSlugs(
  max: number,
): (tenant: string, read: () => Promise<string>) => Promise<string> {
  const slugs = new Map<string, string>();
  return async (tenant, read) => {
    const slug = slugs.get(tenant) ?? (await read());
    // Behind all others: it is the one that was asked for last.
    slugs.delete(tenant);
    slugs.set(tenant, slug);
    const [oldest] = slugs.keys();
    if (slugs.size > max && oldest !== undefined) slugs.delete(oldest);
    return slug;
  };
}
