/** A beam through a ring. */
export function BrandMark() {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" fill="none" aria-hidden="true">
      <circle cx="10" cy="10" r="6.75" stroke="currentColor" strokeWidth="1.5" opacity="0.45" />
      <path d="M1 10h18" stroke="var(--accent)" strokeWidth="1.5" strokeLinecap="round" />
      <circle cx="10" cy="10" r="3" fill="var(--accent)" />
    </svg>
  );
}
