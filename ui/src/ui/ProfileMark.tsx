import type { CSSProperties } from "react";
import type { ProfileColour } from "../bindings";
import classes from "./ProfileMark.module.css";

/** The colour that a connection is known by; without one it is an empty mark. */
export function ProfileMark({ colour }: { colour: ProfileColour | null }) {
  return (
    <span
      className={classes.mark}
      data-colour={colour ?? "none"}
      style={{ "--mark": `var(--profile-${colour})` } as CSSProperties}
      aria-hidden
    />
  );
}
