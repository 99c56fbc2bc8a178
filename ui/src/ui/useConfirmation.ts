import { useState } from "react";
import type { ErrorReport, ExtensionType, TrafficEffects } from "../bindings";
import { emptiedTypes } from "./TrafficEffects";

/**
 * What a dialog learns of the effects of its change: a first try is refused with them, they are shown, and the
 * next try carries that they were.
 */
export function useConfirmation(known: TrafficEffects | null = null) {
  const [effects, setEffects] = useState(known);
  const confirmed: ExtensionType[] | null = effects && emptiedTypes(effects);
  return {
    effects,
    confirmed,
    /** Before another change than the one that was refused. */
    forgetEffects: () => setEffects(null),
    /** Takes the effects from a refusal; false if it was refused for another reason. */
    takeEffects: (error: ErrorReport): boolean => {
      if (error.facts?.kind !== "effects") return false;
      setEffects(error.facts.value);
      return true;
    },
  };
}
