import { describe } from 'vitest';
import { conversationContract } from './conversation-contract.ts';
import type { OpenStorage } from './fixtures.ts';
import { lifeContract } from './life-contract.ts';
import { messageContract } from './message-contract.ts';
import { sessionContract } from './session-contract.ts';
import { syncContract } from './sync-contract.ts';
import { userContract } from './user-contract.ts';

/** Every promise on the storage interfaces as a test; each driver runs the same suite. `open` gives an empty storage. */
export function storageContract(driver: string, open: OpenStorage): void {
  describe(`storage contract on ${driver}`, () => {
    lifeContract(open);
    messageContract(open);
    conversationContract(open);
    syncContract(open);
    userContract(open);
    sessionContract(open);
  });
}
