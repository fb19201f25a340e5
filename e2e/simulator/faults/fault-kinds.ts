/** What can go wrong. Two nodes that append to one conversation is no fault here: all nodes do, in every run. */
export const faultKinds = [
  'loss',
  'delay',
  'duplicate',
  'reorder',
  'half-open',
  'partition',
  'process-crash',
  'server-power-loss',
  'device-power-loss',
  'pause',
  'clock-jump',
  'disk-full',
  'slow-disk',
  'gate-drain',
] as const;

export type FaultKind = (typeof faultKinds)[number];
