import type { Clock, Random } from '@fastim/core';
import type { AccountState } from './account-state.ts';
import { Announcer } from './announcer.ts';
import { BackgroundFill } from './background-fill.ts';
import type { ClientEvents } from './client-api.ts';
import { CursorSender } from './cursor-sender.ts';
import { describe } from './errors.ts';
import { GroupLinks } from './group-links.ts';
import { Groups } from './groups.ts';
import { Heads } from './heads.ts';
import { HiddenMessages } from './hidden-messages.ts';
import { History } from './history.ts';
import { Inbox } from './inbox.ts';
import type { EngineLimits } from './limits.ts';
import { LinkHolder } from './link-holder.ts';
import { LostHistory } from './lost-history.ts';
import { MessageActions } from './message-actions.ts';
import { isEventContent } from './message-content.ts';
import { MessageDates } from './message-dates.ts';
import { MessagesPage } from './messages-page.ts';
import { Names } from './names.ts';
import { Outbox } from './outbox.ts';
import type { Logger, Transport } from './ports.ts';
import { Presence } from './presence.ts';
import { ReadReceipts } from './read-receipts.ts';
import { Reading } from './reading.ts';
import { Search } from './search.ts';
import type { ServerApi } from './server-api.ts';
import { ServerClock } from './server-clock.ts';
import { SettingsSender } from './settings-sender.ts';
import { States } from './states.ts';
import type { ConversationRow, Store, StoredMessage } from './store.ts';
import { Sync } from './sync.ts';
import { TailPuller } from './tail-puller.ts';
import { Typing } from './typing.ts';
import { Viewer } from './viewer.ts';
import { Viewing } from './viewing.ts';

export interface RuntimeParts {
  readonly store: Store;
  readonly generation: number;
  readonly api: ServerApi;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: EngineLimits;
  readonly clientVersion: string;
  readonly emit: <E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]) => void;
}

export type AccountParts = ReturnType<typeof wireAccount>;

/** The parts that run for one account, each told of the others that it needs. None of them does anything by itself yet. */
export function wireAccount(
  { store, clock, random, logger, limits, emit, api }: RuntimeParts,
  state: AccountState,
  busyChanged: () => void,
) {
  const holder = new LinkHolder({ clock, limits });
  const serverClock = new ServerClock(clock);
  const names = new Names({ state, holder, clock, logger });
  const viewer = new Viewer({
    state,
    store,
    names,
    serverClock,
    quoteMissing: (conversationId, convSeq) => {
      history
        .pullRange(conversationId, convSeq, convSeq)
        .catch((error: unknown) => logger.debug(describe(error), 'a quoted message was not pulled'));
    },
  });
  const announcer = new Announcer({ state, store, viewer, clock, logger, emit });
  const cursors = new CursorSender({
    state,
    clock,
    random,
    logger,
    limits,
    refused: (conversationIds) => sync.askFor(conversationIds),
  });
  const hidden = new HiddenMessages({ state, store, holder, clock, random, logger, limits });
  const settings = new SettingsSender({
    state,
    holder,
    clock,
    random,
    logger,
    limits,
    hiddenChanged: (row) => hidden.check(row),
    refresh: (conversationId) => states.refresh(conversationId),
  });
  const typing = new Typing({ state, holder, names, clock, logger, emit: (payload) => emit('typing', payload) });
  const received = (row: ConversationRow, added: readonly StoredMessage[]) => {
    if (added.length === 0) return;
    const { conversationId } = row;
    typing.arrived(
      conversationId,
      added.filter(({ content }) => !isEventContent(content)).map(({ senderId }) => senderId),
    );
    states.noticed(row);
    settings.changed(row);
    if (row.hiddenVersion > 0 && added.some(({ convSeq }) => convSeq === row.lastMessage?.convSeq)) {
      hidden
        .refreshLast(conversationId)
        .catch((error: unknown) => logger.debug(describe(error), 'the newest message was not looked up'));
    }
  };
  const inbox: Inbox = new Inbox({
    state,
    clock,
    random,
    logger,
    limits,
    cursors,
    serverClock,
    settled: (key) => outbox.settled(key),
    pullGap: (conversationId, gap) => history.pullGap(conversationId, gap),
    askFor: (conversationIds) => sync.askFor(conversationIds),
    received,
  });
  const receive = inbox.receive.bind(inbox);
  const history = new History({ state, limits, receive });
  const outbox = new Outbox({
    state,
    clock,
    random,
    logger,
    limits,
    receive,
    serverClock,
    eventRefused: ({ conversationId, content }, reason) => {
      if (isEventContent(content)) viewer.noteRefusal(conversationId, content.targetSeq, reason);
    },
  });
  const ask = (conversationIds: readonly string[]) => inbox.ask(conversationIds);
  const behind = (conversationId: string, head?: number) => inbox.behind(conversationId, head);
  const pullGap = history.pullGap.bind(history);
  const heads = new Heads({ state, clock, random, logger, limits, pullGap, ask, behind });
  const tails = new TailPuller({ state, history, logger, limits, behind, ask });
  const viewing = new Viewing({ state, holder, logger });
  const states: States = new States({
    state,
    holder,
    inbox,
    names,
    serverClock,
    clock,
    logger,
    merged: (rows) => {
      for (const row of rows) {
        hidden.check(row);
        settings.changed(row);
      }
      viewing.tell();
    },
  });
  const lostHistory = new LostHistory({
    state,
    store,
    logger,
    limits,
    rewound: (conversationId, outgoing) => {
      inbox.rewound(conversationId);
      outbox.added(outgoing);
      const row = state.conversation(conversationId);
      if (row) cursors.changed(row);
    },
  });
  const backgroundFill = new BackgroundFill({ state, history, clock, logger, limits });
  const sync: Sync = new Sync({
    state,
    states,
    tails,
    backgroundFill,
    lostHistory,
    inbox,
    clock,
    random,
    logger,
    limits,
    busyChanged,
  });
  const dates = new MessageDates({ state, store, holder, logger });
  const pages = new MessagesPage({ state, store, history, dates, viewer, clock, logger, limits });
  const reading = new Reading({ state, store, cursors, settings, serverClock });
  const actions = new MessageActions({
    state,
    store,
    outbox,
    viewer,
    serverClock,
    settingsChanged: (row) => settings.changed(row),
    lastChanged: (conversationId) => {
      hidden
        .refreshLast(conversationId)
        .catch((error: unknown) => logger.debug(describe(error), 'the newest message was not looked up'));
    },
  });
  const groups = new Groups({
    state,
    holder,
    viewer,
    names,
    clock,
    random,
    logger,
    merge: (list) => states.merge(list),
    fetch: (conversationIds) => sync.fetch(conversationIds),
  });
  const links = new GroupLinks({ holder, groups, names, serverUrl: api.serverUrl });
  const receipts = new ReadReceipts({ holder, groups });
  const presence = new Presence({ holder, clock, logger, emit: (views) => emit('presence', views) });
  const search = new Search({ state, store, viewer });
  return {
    holder,
    serverClock,
    names,
    viewer,
    announcer,
    cursors,
    hidden,
    settings,
    typing,
    inbox,
    history,
    outbox,
    heads,
    viewing,
    states,
    sync,
    pages,
    reading,
    actions,
    groups,
    links,
    receipts,
    presence,
    search,
  };
}
