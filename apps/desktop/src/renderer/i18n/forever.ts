/** The end of 9999: what "always" is on the wire, where a time is needed. Still a date that can be written. */
export const forever = 253_402_300_799_000;

const tenYears = 10 * 366 * 24 * 60 * 60 * 1000;

export function isForever(untilMs: number, nowMs: number): boolean {
  return untilMs > nowMs + tenYears;
}
