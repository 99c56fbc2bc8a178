/** The page as the window holds it. */
export const page = {
  /** Begins anew with nothing in memory, at the place that the registry in use was left at. */
  beginAnew: () => window.location.replace("/"),
};
