import { fastim } from '../generated/fastim.js';
import type { Codec } from './codec.ts';
import { count, type Fields, fieldsCodec, flag, id, list, message, optional, status, text } from './fields.ts';
import type { Status } from './status.ts';

/** One member's own view of one conversation. */
export interface MemberSettings {
  /** No notifications, and not in the total, before then. */
  silentUntilMs: number;
  /** When it was pinned; 0: is not. */
  pinnedMs: number;
  archived: boolean;
  markedUnread: boolean;
  draft: string;
  /** Rises when a message is deleted for me. */
  hiddenVersion: number;
}

export const settingsFields: Fields<MemberSettings> = {
  silentUntilMs: count,
  pinnedMs: count,
  archived: flag,
  markedUnread: flag,
  draft: text,
  hiddenVersion: count,
};

export const defaultSettings: MemberSettings = {
  silentUntilMs: 0,
  pinnedMs: 0,
  archived: false,
  markedUnread: false,
  draft: '',
  hiddenVersion: 0,
};

/** Absolute values, so a repeat does no harm. Undefined: stays. */
export interface SettingsRequest {
  conversationId: bigint;
  silentUntilMs: number | undefined;
  pinnedMs: number | undefined;
  archived: boolean | undefined;
  markedUnread: boolean | undefined;
  draft: string | undefined;
  hideSeqs: number[];
}

export interface SettingsOfConversation {
  conversationId: bigint;
  version: number;
  settings: MemberSettings;
}

export const settingsRequest: Codec<SettingsRequest> = fieldsCodec(fastim.v1.SettingsRequest, {
  conversationId: id,
  silentUntilMs: optional(count),
  pinnedMs: optional(count),
  archived: optional(flag),
  markedUnread: optional(flag),
  draft: optional(text),
  hideSeqs: list(count),
});

export const settingsResponse: Codec<{
  status: Status | undefined;
  version: number;
  settings: MemberSettings | undefined;
}> = fieldsCodec(fastim.v1.SettingsResponse, { status, version: count, settings: optional(message(settingsFields)) });

export const settingsPush: Codec<{ settings: SettingsOfConversation[] }> = fieldsCodec(fastim.v1.SettingsPush, {
  settings: list(
    message<SettingsOfConversation>({ conversationId: id, version: count, settings: message(settingsFields) }),
  ),
});

export const hiddenRequest: Codec<{ conversationId: bigint; since: number }> = fieldsCodec(fastim.v1.HiddenRequest, {
  conversationId: id,
  since: count,
});

export const hiddenResponse: Codec<{
  status: Status | undefined;
  convSeqs: number[];
  hiddenVersion: number;
  more: boolean;
}> = fieldsCodec(fastim.v1.HiddenResponse, { status, convSeqs: list(count), hiddenVersion: count, more: flag });
