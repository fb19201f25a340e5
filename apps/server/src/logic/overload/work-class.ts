import { Command } from '@fastim/protocol';

/**
 * What is given up last (0) to first (5) when there is more than can be done. 0 is never refused: who cannot log in or say
 * what he has would only come again, and money is not to be played with. Typing and presence are soon out of date anyway.
 */
export const WorkClass = { vital: 0, sendDirect: 1, sendGroup: 2, recent: 3, lookUp: 4, fleeting: 5 } as const;
export const workClassNames = ['vital', 'send_direct', 'send_group', 'recent', 'look_up', 'fleeting'] as const;

const classes = new Map<number, number>([
  [Command.login, WorkClass.vital],
  [Command.heartbeat, WorkClass.vital],
  [Command.cursor, WorkClass.vital],
  [Command.createGroup, WorkClass.sendGroup],
  [Command.changeGroup, WorkClass.sendGroup],
  [Command.join, WorkClass.sendGroup],
  [Command.viewing, WorkClass.recent],
  [Command.sync, WorkClass.recent],
  [Command.conversations, WorkClass.recent],
  [Command.settings, WorkClass.recent],
  [Command.typing, WorkClass.fleeting],
  [Command.presence, WorkClass.fleeting],
]);

/** Of a request other than SEND, whose class is its conversation's. What is not named is a look-up. */
export function workClassOf(cmd: number): number {
  return classes.get(cmd) ?? WorkClass.lookUp;
}
