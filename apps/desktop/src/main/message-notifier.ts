/**
 * Decides which messages deserve a notification: others' messages, unread, new to this device, while nobody looks. One
 * for each conversation, the newest replacing the older; what comes in while the client catches up after an absence is
 * gathered and told at its end. The first catch-up after a login tells nothing: that history is old news.
 * What is muted is silent, but for a mention; what is archived is silent. A notification goes when its message is recalled.
 */
import type { Clock } from '@fastim/core';
import type { ClientApi } from '../engine/client-api.ts';
import type { MessageView } from '../engine/views.ts';
import { type ConversationWatch, isQuiet } from './conversation-watch.ts';
import type { Words } from './words.ts';

export interface NotificationText {
  title: string;
  body: string;
}

/** The desktop's notifications; a new one for the same key replaces the old. */
export interface NotificationCentre {
  show(key: string, text: NotificationText, onClick: () => void): void;
  dismiss(key: string): void;
}

export interface MessageNotifierOptions {
  client: ClientApi;
  watch: ConversationWatch;
  centre: NotificationCentre;
  clock: Clock;
  words: () => Words;
  /** Whether the user has the window before them. */
  isWatching: () => boolean;
  /** Tells that something came, not what or from whom. */
  hidesContent: () => boolean;
  /** The user clicked; null: on a summary. */
  onOpen: (conversationId: string | null) => void;
  /** Something new came while nobody looked. */
  onAttention: () => void;
}

/** More conversations than this at once are told of in one line. */
const MANY_CONVERSATIONS = 3;
/** Messages arrive in bursts; a burst is one notification. */
const GATHER_MS = 300;
/** Of one conversation; more are as good as so many. */
const MOST_GATHERED = 999;
const SUMMARY = 'summary';

/** Returns the function that ends it. */
export function notifyOfMessages(options: MessageNotifierOptions): () => void {
  const { client, watch, centre, clock, words } = options;
  /** Highest conv_seq told of, or known before this run, by conversation. */
  const known = new Map<string, number>();
  const gathered = new Map<string, MessageView[]>();
  /** conv_seq of the message that a notification shows, by conversation. */
  const shown = new Map<string, number>();
  let catchingUp = true;
  let firstCatchUp = false;
  let cancelTimer: (() => void) | undefined;

  for (const { conversationId, headSeq } of watch.conversations.values()) known.set(conversationId, headSeq);

  const isNews = (message: MessageView): boolean => {
    const { conversationId, convSeq, mine, kind, recalled } = message;
    if (mine || convSeq === null || kind === 'notice' || recalled) return false;
    const readSeq = watch.conversations.get(conversationId)?.readSeq ?? 0;
    return convSeq > Math.max(known.get(conversationId) ?? 0, readSeq);
  };

  const isToTell = ({ conversationId, convSeq, mentionsMe }: MessageView): boolean => {
    const conversation = watch.conversations.get(conversationId);
    if (!conversation) return true;
    if ((convSeq ?? 0) <= conversation.readSeq) return false;
    return !isQuiet(conversation, clock.now()) || (mentionsMe && !conversation.archived);
  };

  /** A message that is known already is another now: edited, or taken back. */
  const changed = (message: MessageView): void => {
    const { conversationId, convSeq, recalled } = message;
    const waiting = gathered.get(conversationId);
    const place = waiting?.findIndex((one) => one.convSeq === convSeq) ?? -1;
    if (place >= 0) waiting?.splice(place, 1, ...(recalled ? [] : [message]));
    if (!recalled || shown.get(conversationId) !== convSeq) return;
    shown.delete(conversationId);
    centre.dismiss(conversationId);
  };

  const flush = (): void => {
    cancelTimer = undefined;
    const news = [...gathered.values()].map((messages) => messages.filter(isToTell)).filter(({ length }) => length > 0);
    gathered.clear();
    if (news.length === 0 || options.isWatching()) return;
    options.onAttention();
    if (news.length > MANY_CONVERSATIONS) {
      const count = news.reduce((sum, { length }) => sum + length, 0);
      const text = { title: 'FastIM', body: words().newMessages(count, news.length) };
      centre.show(SUMMARY, text, () => options.onOpen(null));
      return;
    }
    for (const messages of news) {
      const newest = messages.at(-1)!;
      const { conversationId } = newest;
      shown.set(conversationId, newest.convSeq ?? 0);
      centre.show(conversationId, textOf(newest), () => options.onOpen(conversationId));
    }
  };

  const textOf = (message: MessageView): NotificationText => {
    if (options.hidesContent()) return { title: 'FastIM', body: words().newMessage };
    const conversation = watch.conversations.get(message.conversationId);
    const what = message.kind === 'text' ? clip(message.text) : words().newMessage;
    const who = conversation?.kind === 'group' ? clip(message.senderName) : '';
    return { title: conversation?.title ?? 'FastIM', body: who === '' ? what : `${who}: ${what}` };
  };

  const schedule = (): void => {
    if (gathered.size > 0 && !catchingUp) cancelTimer ??= clock.setTimer(GATHER_MS, flush);
  };

  const ends = [
    client.on('messages', ({ conversationId, changed: messages }) => {
      for (const message of messages) {
        if (!isNews(message)) {
          changed(message);
          continue;
        }
        known.set(conversationId, message.convSeq ?? 0);
        if (firstCatchUp) continue;
        const waiting = gathered.get(conversationId) ?? [];
        gathered.set(conversationId, waiting);
        waiting.push(message);
        if (waiting.length > MOST_GATHERED) waiting.shift();
      }
      schedule();
    }),
    client.on('connection', ({ state }) => {
      catchingUp = state !== 'online';
      if (catchingUp) return;
      firstCatchUp = false;
      schedule();
    }),
    client.on('account', (account) => {
      known.clear();
      gathered.clear();
      shown.clear();
      firstCatchUp = account !== null;
    }),
  ];
  watch.onChange(({ conversationId, unread }) => {
    if (unread > 0) return;
    shown.delete(conversationId);
    centre.dismiss(conversationId);
  });
  return () => {
    cancelTimer?.();
    for (const end of ends) end();
  };
}

/** Control and direction characters out: a notification is one line of the system's own. */
function clip(text: string): string {
  const plain = text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
  const characters = [...plain.slice(0, 400)];
  return characters.length > 160 ? `${characters.slice(0, 160).join('')}…` : plain;
}
