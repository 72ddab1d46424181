// Tasks in the words of people who write another language. The worlds stay as they are: tools are named in English
// wherever agents are built.

import type { Facts } from "../facts.ts";

/** By the task's id, what its requester would write. A task that is not there is not played. */
export type Translation = (facts: Facts) => { readonly [task: string]: string };
