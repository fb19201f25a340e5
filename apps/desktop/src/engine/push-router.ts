import {
  Command,
  cursorPush,
  type Head,
  headPush,
  type MemberCursor,
  type Message,
  messagePush,
  type Presence,
  presencePush,
  readersPush,
  type SettingsOfConversation,
  settingsPush,
  type Typing,
  typingPush,
} from '@fastim/protocol';

/** Where what the server says by itself goes. */
export interface PushTargets {
  messages(messages: readonly Message[]): void;
  cursors(cursors: readonly MemberCursor[]): void;
  heads(heads: readonly Head[]): void;
  settings(settings: readonly SettingsOfConversation[]): void;
  typing(typing: readonly Typing[]): void;
  presence(presences: readonly Presence[]): void;
  readers(conversationIds: readonly bigint[]): void;
}

/** Returns false for a kind that this build does not know. Throws when the data cannot be read. */
export function routePush(cmd: number, data: Uint8Array, to: PushTargets): boolean {
  switch (cmd) {
    case Command.messages:
      to.messages(messagePush.decode(data).messages);
      return true;
    case Command.cursors:
      to.cursors(cursorPush.decode(data).cursors);
      return true;
    case Command.heads:
      to.heads(headPush.decode(data).heads);
      return true;
    case Command.settingsPush:
      to.settings(settingsPush.decode(data).settings);
      return true;
    case Command.typingPush:
      to.typing(typingPush.decode(data).typing);
      return true;
    case Command.presencePush:
      to.presence(presencePush.decode(data).presences);
      return true;
    case Command.readersPush:
      to.readers(readersPush.decode(data).conversationIds);
      return true;
    default:
      return false;
  }
}
