import type { MemberSettings } from '@fastim/protocol';
import { MAX_DRAFT } from '@fastim/protocol';
import type { ConversationRow, SettingsPatch } from './store.ts';

/** A member's own settings as the user sees them: what was changed here and is not taken yet lies over the server's. */
export function settingsOf(row: ConversationRow): MemberSettings {
  const { hideSeqs: _, ...pending } = row.settingsPending ?? {};
  return { ...row.settings, ...pending };
}

/** The row with a change of mine that is to be told; the same row when it changes nothing. */
export function withSettings(row: ConversationRow, patch: SettingsPatch): ConversationRow {
  const seen = settingsOf(row);
  const { hideSeqs = [], ...values } = patch;
  const changes = Object.entries(values).filter(([name, value]) => seen[name as keyof MemberSettings] !== value);
  const known = row.settingsPending?.hideSeqs ?? [];
  const hidden = [...new Set([...known, ...hideSeqs])];
  if (changes.length === 0 && hidden.length === known.length) return row;
  const pending: SettingsPatch = {
    ...row.settingsPending,
    ...Object.fromEntries(changes),
    ...(hidden.length > 0 && { hideSeqs: hidden }),
  };
  return { ...row, settingsPending: pending };
}

/** What the server told of my settings. Of two the one with the higher version is the later one. */
export function withServerSettings(
  row: ConversationRow,
  version: number,
  settings: MemberSettings,
  isOpen: boolean,
): ConversationRow {
  if (version < row.version) return row;
  const after = { ...row, version, settings };
  return isOpen || !isDraftUntouched(row) ? after : { ...after, draft: settings.draft };
}

/** Nothing was written here that the server does not know: its draft may replace the one on this device. */
export function isDraftUntouched(row: ConversationRow): boolean {
  // Longer ones stay on the device on which they were written.
  return row.settingsPending?.draft === undefined && row.draft.length <= MAX_DRAFT;
}

/** The server took `sent`: what has not been changed again since is not pending any more. */
export function withoutPending(row: ConversationRow, sent: SettingsPatch): ConversationRow {
  if (!row.settingsPending) return row;
  const { hideSeqs = [], ...pending } = row.settingsPending;
  const left = Object.entries(pending).filter(([name, value]) => sent[name as keyof SettingsPatch] !== value);
  const hide = hideSeqs.filter((seq) => !sent.hideSeqs?.includes(seq));
  const rest: SettingsPatch = { ...Object.fromEntries(left), ...(hide.length > 0 && { hideSeqs: hide }) };
  return { ...row, settingsPending: Object.keys(rest).length > 0 ? rest : null };
}

export function isSilent(row: ConversationRow, nowMs: number): boolean {
  return settingsOf(row).silentUntilMs > nowMs;
}

/**
 * News bring an archived conversation back into the list, unless it is muted. Each device that sees them says so; the
 * values are absolute, so it does not matter how many do.
 */
export function withoutArchive(row: ConversationRow, nowMs: number): ConversationRow {
  return settingsOf(row).archived && !isSilent(row, nowMs) ? withSettings(row, { archived: false }) : row;
}
