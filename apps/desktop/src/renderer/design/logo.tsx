/** A speech bubble that holds a tick: said, and stored. */
export function Logo({ size = 48 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 48 48" aria-hidden="true" focusable="false">
      <rect width="48" height="48" rx="13" fill="var(--accent)" />
      <path
        d="M24 12c-7.2 0-13 4.8-13 10.8 0 3.3 1.7 6.2 4.5 8.2-.2 1.6-.9 3-2 4.2-.3.3 0 .8.4.8 2.6-.2 4.8-1.1 6.6-2.6 1.1.2 2.3.3 3.5.3 7.2 0 13-4.9 13-10.9S31.2 12 24 12z"
        fill="#fff"
      />
      <path
        d="m18.5 23 3.8 3.8 7.4-7.6"
        fill="none"
        stroke="var(--accent)"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
