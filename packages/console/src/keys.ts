// Keys of the keyboard. A held key, a key with a modifier and a key typed into a field mean nothing here.

import { useEffect, useEffectEvent } from "react";

export type KeyMap = Readonly<Record<string, () => void>>;

const FIELDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);
/** Enter is theirs while they have the focus. */
const ACTING = new Set(["A", "BUTTON", "SUMMARY"]);

/** How long after `g` the second key may come. */
const CHORD_MS = 1_500;

/** @param keys by `KeyboardEvent.key`; two keys behind each other as `g i` */
export function useKeys(keys: KeyMap): void {
  const actOf = useEffectEvent((chord: string) => (Object.hasOwn(keys, chord) ? keys[chord] : undefined));
  useEffect(() => {
    let first: { readonly key: string; readonly at: number } | null = null;
    const listen = (event: KeyboardEvent): void => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target instanceof HTMLElement && FIELDS.has(event.target.tagName)) return;
      if (event.key === "Enter" && event.target instanceof HTMLElement && ACTING.has(event.target.tagName))
        return;
      const chord =
        first !== null && event.timeStamp - first.at < CHORD_MS ? `${first.key} ${event.key}` : event.key;
      first = event.key === "g" ? { key: "g", at: event.timeStamp } : null;
      const act = actOf(chord);
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", listen);
    return () => {
      document.removeEventListener("keydown", listen);
    };
  }, []);
}
