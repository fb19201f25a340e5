/**
 * How each table of SQLite becomes one of PostgreSQL. SQLite has numbers of its own for conversations and places of
 * messages (conversation_no × 2^32 + conv_seq); PostgreSQL has the ids themselves, so every table that has them is read
 * with the conversation beside it.
 */
export type ColumnType = 'bigint' | 'integer' | 'boolean' | 'text' | 'bytea';

export interface Column {
  /** In PostgreSQL. */
  readonly name: string;
  readonly type: ColumnType;
  /** In SQLite: an expression over `t`, the table, and `c`, the conversation. */
  readonly from: string;
}

export interface MovedTable {
  /** In PostgreSQL. */
  readonly name: string;
  /** In SQLite. */
  readonly source: string;
  /** Unique in SQLite, and the order in which rows are read. Columns of `t`. */
  readonly key: readonly string[];
  /** What is read with each row: the conversation, by its number; for some a message. */
  readonly beside: string;
  readonly columns: readonly Column[];
}

const CONVERSATION = 'CROSS JOIN conversation c ON c.conversation_no = t.conversation_no';
const byPlace = (place: string) => `CROSS JOIN conversation c ON c.conversation_no = t.${place} >> 32`;
const seqOf = (place: string) => `t.${place} & 0xffffffff`;

const bigint = (name: string, from = `t.${name}`): Column => ({ name, type: 'bigint', from });
const integer = (name: string, from = `t.${name}`): Column => ({ name, type: 'integer', from });
const boolean = (name: string, from = `t.${name}`): Column => ({ name, type: 'boolean', from });
const text = (name: string, from = `t.${name}`): Column => ({ name, type: 'text', from });
const bytea = (name: string, from = `t.${name}`): Column => ({ name, type: 'bytea', from });
const bigints = (...names: string[]): Column[] => names.map((name) => bigint(name));
const conversationId = bigint('conversation_id', 'c.conversation_id');

/** Of chat_group and of former_group. */
const groupProfile = [
  text('name'),
  bigint('avatar_color'),
  // Text that people write freely: bytes in PostgreSQL.
  bytea('announcement'),
  bigint('owner_id'),
  bigint('member_count'),
  boolean('mute_all'),
  boolean('join_approval'),
];

/** Where the checksum of a message is, which has another form in PostgreSQL. */
export const MESSAGE_TABLE = 'message';

/** Everything but what a storage makes for itself: its meta data, node numbers, the readiness probe. */
export const movedTables: readonly MovedTable[] = [
  {
    name: 'chat_user',
    source: 'user',
    key: ['user_id'],
    beside: '',
    columns: [
      bigint('user_id'),
      text('username'),
      text('username_key'),
      text('display_name'),
      text('display_key'),
      text('password_hash'),
      bigint('created_ms'),
      boolean('show_online'),
    ],
  },
  {
    name: 'session',
    source: 'session',
    key: ['session_id'],
    beside: '',
    columns: [
      ...bigints('session_id', 'user_id'),
      text('device_id'),
      text('device_name'),
      bigint('epoch'),
      bytea('access_hash'),
      bigint('access_expires_ms'),
      bytea('refresh_hash'),
      ...bigints('refresh_expires_ms', 'refresh_generation', 'created_ms', 'last_seen_ms', 'ended_ms'),
    ],
  },
  {
    name: 'spent_refresh',
    source: 'spent_refresh',
    key: ['refresh_hash'],
    beside: '',
    columns: [bytea('refresh_hash'), ...bigints('session_id', 'spent_ms', 'expires_ms', 'successor_generation')],
  },
  {
    name: 'conversation',
    source: 'conversation',
    key: ['conversation_no'],
    beside: '',
    columns: [
      bigint('conversation_id'),
      integer('kind'),
      ...bigints('head_seq', 'head_count_no', 'last_activity_ms', 'created_ms', 'last_shown_seq', 'removals_seq'),
    ],
  },
  {
    name: 'direct_pair',
    source: 'direct_pair',
    key: ['low_user_id', 'high_user_id'],
    beside: CONVERSATION,
    columns: [...bigints('low_user_id', 'high_user_id'), conversationId],
  },
  {
    // SQLite finds a group by the notice of its making, its first message.
    name: 'group_creation',
    source: 'chat_group',
    key: ['conversation_no'],
    beside: `${CONVERSATION} CROSS JOIN message m ON m.place = (t.conversation_no << 32) + 1`,
    columns: [bigint('creator_id', 'm.sender_id'), bytea('client_msg_id', 'm.client_msg_id'), conversationId],
  },
  {
    name: 'member',
    source: 'member',
    key: ['conversation_no', 'user_id'],
    beside: CONVERSATION,
    columns: [
      conversationId,
      bigint('user_id'),
      integer('role'),
      boolean('archived'),
      boolean('marked_unread'),
      ...bigints('join_seq', 'join_count_no', 'read_seq', 'read_count_no', 'own_seq', 'own_count_no', 'delivered_seq'),
      ...bigints('changed_ms', 'joined_ms', 'muted_until_ms', 'leave_seq', 'leave_count_no', 'left_ms', 'version'),
      ...bigints('silent_until_ms', 'pinned_ms', 'hidden_version'),
    ],
  },
  {
    name: 'device_cursor',
    source: 'device_cursor',
    key: ['conversation_no', 'user_id', 'device_id'],
    beside: CONVERSATION,
    columns: [conversationId, bigint('user_id'), text('device_id'), bigint('delivered_seq')],
  },
  {
    name: 'draft',
    source: 'draft',
    key: ['conversation_no', 'user_id'],
    beside: CONVERSATION,
    columns: [conversationId, bigint('user_id'), bytea('draft')],
  },
  {
    name: 'hidden_message',
    source: 'hidden_message',
    key: ['conversation_no', 'user_id', 'hidden_version'],
    beside: CONVERSATION,
    columns: [conversationId, ...bigints('user_id', 'hidden_version', 'conv_seq')],
  },
  {
    name: 'chat_group',
    source: 'chat_group',
    key: ['conversation_no'],
    beside: CONVERSATION,
    columns: [conversationId, ...groupProfile, bigint('pending_joins')],
  },
  {
    name: 'former_group',
    source: 'former_group',
    key: ['conversation_no', 'user_id'],
    beside: CONVERSATION,
    columns: [conversationId, bigint('user_id'), ...groupProfile],
  },
  {
    name: 'group_link',
    source: 'group_link',
    key: ['token'],
    beside: CONVERSATION,
    columns: [
      conversationId,
      text('token'),
      bigint('creator_id'),
      bytea('client_msg_id'),
      ...bigints('created_ms', 'expires_ms', 'max_uses', 'uses'),
      boolean('revoked'),
    ],
  },
  {
    name: 'join_request',
    source: 'join_request',
    key: ['conversation_no', 'user_id'],
    beside: CONVERSATION,
    columns: [conversationId, ...bigints('user_id', 'requested_ms')],
  },
  {
    name: MESSAGE_TABLE,
    source: 'message',
    key: ['place'],
    beside: byPlace('place'),
    columns: [
      conversationId,
      bigint('conv_seq', seqOf('place')),
      ...bigints('msg_id', 'sender_id', 'kind', 'server_time_ms', 'count_no', 'checksum'),
      bytea('client_msg_id'),
      bytea('body'),
    ],
  },
  {
    name: 'message_state',
    source: 'message_state',
    key: ['place'],
    beside: byPlace('place'),
    columns: [
      conversationId,
      bigint('conv_seq', seqOf('place')),
      ...bigints('edited_seq', 'recalled_seq', 'recalled_by', 'reactions_seq'),
    ],
  },
  {
    name: 'message_event',
    source: 'message_event',
    key: ['target_place', 'event_place'],
    beside: byPlace('target_place'),
    columns: [conversationId, bigint('target_seq', seqOf('target_place')), bigint('event_seq', seqOf('event_place'))],
  },
  {
    name: 'message_original',
    source: 'message_original',
    key: ['place'],
    beside: byPlace('place'),
    columns: [conversationId, bigint('conv_seq', seqOf('place')), bytea('body')],
  },
  {
    name: 'reaction',
    source: 'reaction',
    key: ['place', 'emoji', 'event_seq'],
    beside: byPlace('place'),
    columns: [conversationId, bigint('conv_seq', seqOf('place')), text('emoji'), ...bigints('event_seq', 'user_id')],
  },
  {
    name: 'reaction_tally',
    source: 'reaction_tally',
    key: ['place', 'emoji'],
    beside: byPlace('place'),
    columns: [conversationId, bigint('conv_seq', seqOf('place')), text('emoji'), ...bigints('first_seq', 'count')],
  },
  {
    name: 'mention',
    source: 'mention',
    key: ['conversation_no', 'user_id', 'conv_seq'],
    beside: CONVERSATION,
    columns: [conversationId, ...bigints('user_id', 'conv_seq', 'sender_id')],
  },
];
