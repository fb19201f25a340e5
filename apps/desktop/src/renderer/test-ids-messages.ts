/**
 * The `data-testid`s of messages and of what is done with them (see test-ids.ts).
 *
 * message-sender        the name over the first message of a run in a group
 * message-quote         the answered message in a bubble; `data-state` = shown | recalled | missing | hidden
 * message-edited        the mark of an edited message; `message-forwarded` the label of a forwarded one
 * notice, recalled      grey lines: what somebody did to the group, a message that was taken back
 * edit-again            brings the words of my recalled message back into the composer
 * reactions             under a bubble; each `reaction` has `data-emoji` and `aria-pressed`
 * quick-reaction        in the menu of a message, with `data-emoji`; `more-reactions` opens the `emoji-picker`
 * emoji-search, emoji   in the picker; each emoji has `data-emoji`
 * menu-reply … menu-delete   items of the menu of a message
 * message-actions       the buttons beside a bubble under the pointer: `message-react`, `message-reply`, `message-more`
 * read-count            “Read by n of m” under my newest message in a group; opens `readers-dialog` with
 *                       `readers-read` / `readers-unread` tabs and a `reader-row` for each person, `data-user-id`
 * recall-dialog, delete-dialog   ask first; their button is `confirm`
 * forward-dialog        `forward-search`, each `forward-target` has `data-conversation-id`, `forward-send`
 * selection-bar         while messages are chosen: `selection-count`, `forward-selected`, `delete-selected`,
 *                       `end-selection`; each `message` then has `data-selected`
 * reply-bar, edit-bar   over the composer; `end-reply`, `end-edit`
 * composer-closed       in the place of the composer: muted, or no member any more; `data-reason`
 * mention-list          the picker; each `mention-option` has `data-user-id` (`all` for everybody)
 * jump-to-mention, jump-to-unread, jump-back   the buttons over the list
 * typing-line           who types, in the header; `presence-line` what is known of the other
 * chat-note             a line over the composer that stays for a moment
 * open-search           in the header; `message-search` the panel with `message-search-input`, `search-scope`,
 *                       `search-from`, `search-when`, `search-hit` (`data-msg-id`), `search-summary`, `close-search`
 * chat-menu             in the header; `jump-to-date` opens `date-dialog`; `open-info` the group's information
 */
export const messageTestIds = {
  messageSender: 'message-sender',
  messageQuote: 'message-quote',
  messageEdited: 'message-edited',
  messageForwarded: 'message-forwarded',
  notice: 'notice',
  recalled: 'recalled',
  editAgain: 'edit-again',
  reactions: 'reactions',
  reaction: 'reaction',
  quickReaction: 'quick-reaction',
  moreReactions: 'more-reactions',
  emojiPicker: 'emoji-picker',
  emojiSearch: 'emoji-search',
  emoji: 'emoji',
  menuReply: 'menu-reply',
  menuCopy: 'menu-copy',
  menuForward: 'menu-forward',
  menuEdit: 'menu-edit',
  menuSelect: 'menu-select',
  menuReaders: 'menu-readers',
  menuRecall: 'menu-recall',
  menuDelete: 'menu-delete',
  messageActions: 'message-actions',
  messageReact: 'message-react',
  messageReply: 'message-reply',
  messageMore: 'message-more',
  readCount: 'read-count',
  readersDialog: 'readers-dialog',
  readersRead: 'readers-read',
  readersUnread: 'readers-unread',
  readerRow: 'reader-row',
  forwardDialog: 'forward-dialog',
  forwardSearch: 'forward-search',
  forwardTarget: 'forward-target',
  forwardSend: 'forward-send',
  selectionBar: 'selection-bar',
  selectionCount: 'selection-count',
  forwardSelected: 'forward-selected',
  deleteSelected: 'delete-selected',
  endSelection: 'end-selection',
  replyBar: 'reply-bar',
  endReply: 'end-reply',
  editBar: 'edit-bar',
  endEdit: 'end-edit',
  composerClosed: 'composer-closed',
  composerEmoji: 'composer-emoji',
  mentionList: 'mention-list',
  mentionOption: 'mention-option',
  jumpToMention: 'jump-to-mention',
  jumpToUnread: 'jump-to-unread',
  jumpBack: 'jump-back',
  typingLine: 'typing-line',
  presenceLine: 'presence-line',
  chatNote: 'chat-note',
  openSearch: 'open-search',
  messageSearch: 'message-search',
  messageSearchInput: 'message-search-input',
  searchScope: 'search-scope',
  searchFrom: 'search-from',
  searchWhen: 'search-when',
  searchHit: 'search-hit',
  searchSummary: 'search-summary',
  closeSearch: 'close-search',
  chatMenu: 'chat-menu',
  jumpToDate: 'jump-to-date',
  dateDialog: 'date-dialog',
  dateDay: 'date-day',
  selectMessages: 'select-messages',
  openInfo: 'open-info',
} as const;
