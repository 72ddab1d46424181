/**
 * Which format a program must understand to go on with a queued run. It rises when an older program could not read a
 * run's journal any more; until then programs of both versions serve the same queue.
 */
export const MESSAGE_VERSION = 1;
