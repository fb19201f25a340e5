import { describe, it } from 'vitest';
import { MemoryDisk, MemoryStore, storeContract } from './index.ts';

describe('the store in memory', () => {
  for (const { name, run } of storeContract) {
    it(name, async () => {
      const disk = new MemoryDisk();
      await run(new MemoryStore(disk), () => new MemoryStore(disk));
    });
  }
});
