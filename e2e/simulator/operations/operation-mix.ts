import type { UserActions } from './user-actions.ts';

export type ActionName = {
  [Name in keyof UserActions]: UserActions[Name] extends (...args: never) => Promise<void> ? Name : never;
}[keyof UserActions];

/** How often each is tried. */
export const operationMix: ReadonlyArray<readonly [ActionName, number]> = [
  ['send', 34],
  ['reply', 4],
  ['edit', 6],
  ['recall', 3],
  ['react', 8],
  ['deleteForMe', 1.5],
  ['forward', 1],
  ['read', 14],
  ['look', 7],
  ['page', 2],
  ['settings', 4],
  ['draft', 2],
  ['typing', 1],
  ['openDirect', 2],
  ['createGroup', 1.5],
  ['changeGroup', 7],
  ['makeLink', 1],
  ['join', 1.5],
  ['decide', 0.7],
  ['logOut', 0.8],
  ['endDevice', 0.4],
];
