// Work that others may ask for as often as they like, and that is done seldom: at once, and once more after a pause where it was
// asked for meanwhile, so that the last word is always seen.

/**
 * @param work never rejects
 * @returns asks for it
 */
export function spaced(work: () => Promise<void>, pause: () => Promise<void>): () => void {
  let isBusy = false;
  let isAsked = false;
  const run = async (): Promise<void> => {
    isBusy = true;
    while (isAsked) {
      isAsked = false;
      await work();
      await pause();
    }
    isBusy = false;
  };
  return () => {
    isAsked = true;
    if (!isBusy) void run();
  };
}
