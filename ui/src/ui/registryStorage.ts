/** The id of the embedded database's profile. Its keys have no name of it: they are older than the others. */
const embedded = "embedded";

let registryId = embedded;

/** Says of which registry from now on is what is kept: the id of the profile in use. */
export function nameRegistry(id: string): void {
  registryId = id;
}

/** The key under which something about the registry in use is kept in this window's storage. */
export function registryKey(key: string): string {
  return keyOf(registryId, key);
}

/** Ids have no @, so no key of one registry is that of another. */
function keyOf(id: string, key: string): string {
  return id === embedded ? key : `${id}@${key}`;
}

/** Forgets all that is kept about a registry whose profile is gone. */
export function forgetRegistry(id: string): void {
  if (id === embedded) return;
  const prefix = keyOf(id, "");
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage).filter((each) => each.startsWith(prefix))) storage.removeItem(key);
  }
}
