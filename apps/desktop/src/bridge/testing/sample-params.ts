/** A right argument for every command. */
import type { CommandName, CommandParams } from '../contract.ts';

const serverUrl = 'http://127.0.0.1:8600';
const key = '0123456789abcdef0123456789abcdef';

export const sampleParams: { readonly [N in CommandName]: CommandParams<N> } = {
  'app.open': {},
  'server.check': { serverUrl },
  'account.register': { serverUrl, username: 'bob', displayName: 'Bob', password: 'a long password' },
  'account.logIn': { serverUrl, username: 'bob', password: 'a long password' },
  'account.logOut': {},
  'users.search': { query: 'al' },
  'conversations.list': {},
  'conversations.openDirect': { userId: '7' },
  'conversations.setOpen': { conversationId: null },
  'messages.page': { conversationId: '41', anchor: { at: 'before', order: 12 }, limit: 50 },
  'messages.send': { conversationId: '41', text: 'hello 你好' },
  'messages.retry': { key },
  'messages.discard': { key },
  'messages.markRead': { conversationId: '41', convSeq: 3 },
  'drafts.set': { conversationId: '41', text: '' },
  'positions.get': { conversationId: '41' },
  'positions.set': { conversationId: '41', position: { order: 3, offsetPx: -4.5, atEnd: false } },
  'settings.set': { patch: { theme: 'dark' } },
  'connection.retry': {},
};
