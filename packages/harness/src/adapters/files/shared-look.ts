// Many who ask the same at the same time are told by one look. It begins after the last of them has asked, so that
// nobody is told what was so before they came.

/** @returns what looks, or waits for the look that begins next */
export function sharedLook<T>(look: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | null = null;
  let next: Promise<T> | null = null;
  const begin = async (): Promise<T> => {
    const looking = look();
    running = looking;
    try {
      return await looking;
    } finally {
      if (running === looking) running = null;
    }
  };
  const afterIt = async (before: Promise<unknown>): Promise<T> => {
    // Its failure is told to those who asked for it.
    await before.catch(() => undefined);
    next = null;
    return await begin();
  };
  return async () => {
    if (running === null) return await begin();
    next ??= afterIt(running);
    return await next;
  };
}
