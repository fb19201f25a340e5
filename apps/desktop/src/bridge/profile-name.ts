/** A profile is one installation in small: its own engine, store and session. Its name becomes a folder. */
const pattern = /^[a-z0-9][a-z0-9_-]{0,31}$/;
/** Names that no folder can have on Windows. */
const reserved = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

export const DEFAULT_PROFILE = 'default';

export const PROFILE_RULE =
  'a profile name has 1 to 32 characters: a-z, 0-9, - and _, and begins with a letter or a digit';

export function isProfileName(name: string): boolean {
  return pattern.test(name) && !reserved.test(name);
}
