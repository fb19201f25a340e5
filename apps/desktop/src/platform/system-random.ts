import { randomBytes } from 'node:crypto';
import type { Random } from '@fastim/core';

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
