import { PreconditionMissing, type Scenario } from "../../scenario.ts";

export const misspeltSettingStopsStart: Scenario = {
  id: "harness_policy/misspelt_setting_stops_start",
  title: "A setting, a rule or an agent with a misspelt word stops the start, and the message names it",
  tier: 1,
  phase: "unit",
  why: "A gate that is lost to a slip of the keyboard is lost in silence (langchain 39247).",
  remedy: "Refuse every word that is not known, in everything that is configured, and say which and where.",
  needs: ["settings"],
  invariants: ["deny-wins"],
  seed: "spec/peers.md section 2, number 5",
  timeLimitMs: 600_000,
  run: async (context) => {
    const { settings } = context.target;
    if (settings === undefined) throw new PreconditionMissing("no target can be started");
    const sound = await settings.start(null);
    context.check("without a slip it starts", sound.started, sound.said);
    for (const misspelt of settings.misspelt) {
      const { started, said } = await settings.start(misspelt);
      context.check(`${misspelt}: the start is refused`, !started, said);
      context.check(`${misspelt}: the message names the word`, said.includes(misspelt), said);
    }
    context.read("settings with a slip", settings.misspelt);
  },
};
