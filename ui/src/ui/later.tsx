import { type ComponentType, lazy, type ReactNode, Suspense, useEffect, useState } from "react";

/** What loads the code of each part, in the order in which they were named. */
const loads: (() => Promise<unknown>)[] = [];
let isAllLoaded = false;

/**
 * A component whose code is not of the first page: it comes with `loadLater`, or when it is shown before that, with
 * `fallback` in its place meanwhile. Once its code is there it is shown in the same frame as any other component.
 */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  fallback: ReactNode = null,
): (props: Props) => ReactNode {
  let loaded: ComponentType<Props> | null = null;
  async function keep() {
    loaded ??= await load();
    return loaded;
  }
  loads.push(keep);
  const Awaited = lazy(async () => ({ default: await keep() }));
  return function Later(props: Props) {
    // For as long as it is shown it is one and the same, or it would lose its state when the code has come.
    const [Part] = useState<ComponentType<Props>>(() => loaded ?? Awaited);
    return (
      <Suspense fallback={fallback}>
        <Part {...props} />
      </Suspense>
    );
  };
}

/** Loads the code of all parts, one after the other, so that nobody waits for it who shows one of them. */
export async function loadLater(): Promise<void> {
  // Parts may have parts, which are named as their code comes.
  for (const load of loads) await load();
  isAllLoaded = true;
}

/** Loads all parts `delayMs` after this was first shown; true once that has ended, also where one could not be loaded. */
export function useLater(delayMs: number): boolean {
  const [isTime, setTime] = useState(isAllLoaded);
  useEffect(() => {
    // A part that can't be loaded says so where it is shown.
    const go = () =>
      void loadLater()
        .catch(() => undefined)
        .then(() => setTime(true));
    const timer = setTimeout(go, delayMs);
    return () => clearTimeout(timer);
  }, [delayMs]);
  return isTime;
}
