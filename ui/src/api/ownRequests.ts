/** The names of the requests that this window has sent: what they changed is no news to who sits before it. */
const own = new Set<string>();

/** A name for a request of this window. */
export function ownRequestId(): string {
  return rememberOwn(crypto.randomUUID());
}

/** Keeps a name that was made elsewhere, and returns it. */
export function rememberOwn(requestId: string): string {
  own.add(requestId);
  return requestId;
}

export function isOwn(requestId: string | null): boolean {
  return requestId !== null && own.has(requestId);
}
