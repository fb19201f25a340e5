import { describe } from 'vitest';
import { conversationContract } from './conversation-contract.ts';
import { eventContract } from './event-contract.ts';
import type { OpenStorage } from './fixtures.ts';
import { groupContract } from './group-contract.ts';
import { groupMemberContract } from './group-member-contract.ts';
import { groupReadContract } from './group-read-contract.ts';
import { lifeContract } from './life-contract.ts';
import { linkContract } from './link-contract.ts';
import { messageContract } from './message-contract.ts';
import { sessionContract } from './session-contract.ts';
import { settingsContract } from './settings-contract.ts';
import { syncContract } from './sync-contract.ts';
import { userContract } from './user-contract.ts';

/** Every promise on the storage interfaces as a test; each driver runs the same suite. `open` gives an empty storage. */
export function storageContract(driver: string, open: OpenStorage): void {
  describe(`storage contract on ${driver}`, () => {
    lifeContract(open);
    messageContract(open);
    eventContract(open);
    conversationContract(open);
    syncContract(open);
    settingsContract(open);
    groupContract(open);
    groupMemberContract(open);
    groupReadContract(open);
    linkContract(open);
    userContract(open);
    sessionContract(open);
  });
}
