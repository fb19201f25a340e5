/**
 * What each command does: the one line between a checked argument and the client. The type makes the table complete:
 * a command without a row, or a row whose argument or result does not fit, does not compile.
 */
import type { ClientApi } from '../engine/client-api.ts';
import type { CommandName, CommandParams, CommandResult } from './contract.ts';

type RequestTable = {
  readonly [N in CommandName]: (client: ClientApi, params: CommandParams<N>) => Promise<CommandResult<N>>;
};

const done = () => null;

export const requestTable: RequestTable = {
  'app.open': (client) => client.app(),
  'server.check': (client, params) => client.checkServer(params),
  'account.register': (client, params) => client.register(params),
  'account.logIn': (client, params) => client.logIn(params),
  'account.logOut': (client) => client.logOut().then(done),
  'users.search': (client, params) => client.searchUsers(params),
  'conversations.list': (client) => client.listConversations(),
  'conversations.openDirect': (client, params) => client.openDirect(params),
  'conversations.setOpen': (client, params) => client.setOpenConversation(params).then(done),
  'messages.page': (client, params) => client.messagesPage(params),
  'messages.send': (client, params) => client.sendMessage(params),
  'messages.edit': (client, params) => client.editMessage(params).then(done),
  'messages.recall': (client, params) => client.recallMessage(params).then(done),
  'messages.react': (client, params) => client.react(params).then(done),
  'messages.deleteForMe': (client, params) => client.deleteForMe(params).then(done),
  'messages.forward': (client, params) => client.forwardMessages(params).then(done),
  'messages.search': (client, params) => client.searchMessages(params),
  'messages.readCounts': (client, params) => client.readCounts(params),
  'messages.readers': (client, params) => client.readers(params),
  'messages.retry': (client, params) => client.retryMessage(params).then(done),
  'messages.discard': (client, params) => client.discardMessage(params).then(done),
  'messages.markRead': (client, params) => client.markRead(params).then(done),
  'drafts.set': (client, params) => client.setDraft(params).then(done),
  'positions.get': (client, params) => client.getPosition(params),
  'positions.set': (client, params) => client.setPosition(params).then(done),
  'conversations.settings': (client, params) => client.setConversationSettings(params),
  'groups.create': (client, params) => client.createGroup(params),
  'groups.change': (client, params) => client.changeGroup(params),
  'groups.members': (client, params) => client.groupMembers(params),
  'groups.links': (client, params) => client.groupLinks(params),
  'groups.makeLink': (client, params) => client.makeGroupLink(params),
  'groups.revokeLink': (client, params) => client.revokeGroupLink(params).then(done),
  'groups.lookAtLink': (client, params) => client.lookAtLink(params),
  'groups.join': (client, params) => client.joinByLink(params),
  'groups.pendingJoins': (client, params) => client.pendingJoins(params),
  'typing.tell': (client, params) => client.typing(params).then(done),
  'presence.watch': (client, params) => client.watchPresence(params),
  'privacy.get': (client) => client.privacy(),
  'privacy.set': (client, params) => client.setPrivacy(params),
  'devices.list': (client) => client.devices(),
  'devices.end': (client, params) => client.endDevice(params).then(done),
  'settings.set': (client, params) => client.setSettings(params),
  'connection.retry': (client) => client.retryConnection().then(done),
};
