import type { Flaws } from '../system.ts';
import { deviceBugs } from './device-bugs.ts';
import { linkBugs } from './link-bugs.ts';
import { serverBugs } from './server-bugs.ts';

export interface PlantedBug {
  readonly what: string;
  /** Anew for each run: what it keeps belongs to that run. */
  flaws(): Flaws;
}

/**
 * Bugs that somebody could make, put in from outside: wrappers and subclasses round the real parts, none of which knows of
 * them. A simulator that does not find each of them proves nothing by finding none.
 */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'ack-before-commit': { what: 'writes are answered before they are synced', flaws: serverBugs.ackBeforeCommit },
  'uncommitted-seen': { what: 'reads see what is not synced yet', flaws: serverBugs.uncommittedSeen },
  'recovery-loses-the-end': { what: 'a start overlooks the last record', flaws: serverBugs.recoveryLosesTheEnd },
  'dedupe-off': { what: 'a repeated client_msg_id is stored again', flaws: serverBugs.dedupeOff },
  'seq-outside-the-transaction': {
    what: 'conv_seq is read before the transaction that stores',
    flaws: serverBugs.seqOutsideTransaction,
  },
  'stale-owner-accepted': {
    what: 'a node counts conv_seq on from its own last message',
    flaws: serverBugs.staleOwner,
  },
  'history-beyond-leave': { what: 'who left is served what came later', flaws: serverBugs.historyBeyondLeave },
  'unread-counted': { what: 'unread is a counter that drifts', flaws: serverBugs.unreadCounted },
  'reaction-applied-twice': {
    what: 'history does not say up to where its reactions count',
    flaws: serverBugs.reactionAppliedTwice,
  },
  'recall-lost-on-a-new-device': { what: 'history does not say what was recalled', flaws: serverBugs.recallLost },
  'cursor-not-written': { what: 'some cursors are answered and not written', flaws: serverBugs.cursorNotWritten },
  'settings-lost': { what: 'some settings are answered and not written', flaws: serverBugs.settingsLost },
  'no-heartbeat-repair': {
    what: 'heartbeats do not say what moved',
    flaws: linkBugs.noHeartbeatRepair,
  },
  'removed-but-still-notified': { what: 'gates do not hear who is out', flaws: linkBugs.removedStillNotified },
  'sends-overtake': { what: 'a younger send of a connection goes first', flaws: linkBugs.sendsOvertake },
  'gap-pull-off': { what: 'a device does not pull what is missing', flaws: deviceBugs.gapPullOff },
  'cursor-moved-during-a-pull': {
    what: 'a push moves the end of what a device has past what was pulled',
    flaws: deviceBugs.cursorMovedDuringPull,
  },
  'outbox-forgotten': { what: 'a restart of the app forgets what was not sent', flaws: deviceBugs.outboxForgotten },
  'outbox-not-durable': {
    what: 'what is to be sent does not survive a power loss',
    flaws: deviceBugs.outboxNotDurable,
  },
};
