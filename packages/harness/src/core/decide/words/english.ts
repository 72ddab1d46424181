// English verbs of several words, by the one word that says the same: neither "call" nor "off" says that something is to
// be cancelled, and "put" makes something where "put off" makes nothing. General English, and nothing of any tool set.

/** `call+off`: other words may stand between, and the last one ends the clause. */
const VERBS: Readonly<Record<string, string>> = {
  create: "set_up set+up make_out",
  write: "write_down write+down jot_down jot+down",
  cancel: "call_off call+off",
  delete: "get_rid_of do_away_with throw_away throw+away throw_out throw+out cross_out cross+out",
  remove: "take_off take+off take_down take+down strike_out strike+out leave_out leave+out kick_out kick+out",
  inform: "let+know let_him_know let_her_know let_them_know let_us_know",
  refund: "pay_back pay+back give_back give+back",
  postpone: "put_off put+off push_back push+back",
  move: "bring_forward bring+forward",
  update: "fill_in fill+in bring_up_to_date",
  disable: "turn_off turn+off switch_off switch+off shut_off shut+off",
  enable: "turn_on turn+on switch_on switch+on",
  share: "give_access give+access hand_over hand+over",
  register: "sign_up sign+up",
  send: "pass_on pass+on send_out send+out",
};

type Verb = { readonly rest: readonly string[]; readonly means: string };

function verbsBy(mark: "_" | "+"): ReadonlyMap<string, readonly Verb[]> {
  const verbs = new Map<string, Verb[]>();
  for (const [means, list] of Object.entries(VERBS))
    for (const form of list.split(" ")) {
      const [first = "", ...rest] = form.split(mark);
      if (rest.length > 0) verbs.set(first, [...(verbs.get(first) ?? []), { rest, means }]);
    }
  return verbs;
}

const WHOLE = verbsBy("_");
const PARTED = verbsBy("+");

/** Verbs that begin with the word and go on at once. */
export const englishVerbsFrom = (word: string): readonly Verb[] => WHOLE.get(word) ?? [];

/** Verbs that begin with the word, and whose last word ends the clause. */
export const partedEnglishVerbsFrom = (word: string): readonly Verb[] => PARTED.get(word) ?? [];
