import { commands, events } from "../bindings";

/** Calls `open` with each link that the application was started with or was handed, until the answer is called. */
export function followLinks(open: (link: string) => void): () => void {
  let isFollowed = true;
  const take = () =>
    commands.takeLink().then(
      (link) => {
        if (isFollowed && link !== null) open(link);
      },
      () => undefined,
    );
  void take();
  const listening = events.linkOpened.listen(() => void take());
  return () => {
    isFollowed = false;
    listening.then((stop) => stop()).catch(() => undefined);
  };
}
