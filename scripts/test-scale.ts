/** How often a randomised test runs: `count`, times FASTIM_TEST_SCALE (default 1; a long campaign sets 100 or more). */
export function runs(count: number): number {
  const scale = Number(process.env.FASTIM_TEST_SCALE ?? '1');
  if (!(scale > 0)) throw new Error('FASTIM_TEST_SCALE is not a positive number');
  return Math.max(1, Math.round(count * scale));
}
