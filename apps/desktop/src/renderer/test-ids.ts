import { messageTestIds } from './test-ids-messages.ts';

/**
 * The stable `data-testid`s that end-to-end tests use. Renaming one is a change of contract.
 *
 * login-form            the form; `tab-login` / `tab-register` choose which; fields `server-url`, `username`,
 *                       `display-name` (register only), `password`; `submit`; `form-error` holds the words of an error
 * server-check          the live check; `data-state` = idle | checking | ok | failed
 * conversation-list     the list; each `conversation-item` has `data-conversation-id`, holds an `unread-badge`
 * people-search         the search input; each person found is a `search-result` with `data-user-id`; somebody with
 *                       whom there is a conversation is found as a `conversation-item` instead
 * message-list          the scrolling element; `data-at-end` = true | false, `data-ready` = true once it stands in place
 * message               a row: `data-key`, `data-order`, `data-mine`, and of my own `data-status`
 *                       (sending | stored | delivered | read | failed)
 * message-tick          the tick inside a message, with the same `data-status`; its words are the accessible name
 * message-text          the text of a message and nothing else
 * new-messages-divider  stands in the first unread message's row
 * jump-to-end           the round button with the number of new messages
 * composer              the form; `composer-input` the textarea, `send-button`
 * retry-message         the Retry button in the row of a failed message; `failed-menu` opens Retry / Copy / Delete
 * connection-bar        there only while something is wrong; `data-state` = connecting | syncing | offline | ended
 * bridge-bar            the page lost the engine (headless host or main process)
 * settings-button       opens the settings; `theme-select`, `language-select`, `send-key-select` are radio groups
 *                       (`input[value=dark]`, `input[value=zh-CN]`, …); `log-out`, then `log-out-confirm`;
 *                       `log-out-unsent` says how many messages would be lost
 * login-unsent          the same, when logging in again: as somebody else they are lost
 * The lists take no pointer events for some 150 ms after each scroll (the virtual list does that): a click waits for it.
 *
 * In a `conversation-item`: `mention-mark` (@me), `unread-mark` (marked as unread), `online-dot`; `data-pinned` and
 * `data-silent` on the row and `data-silent` on the badge. Its menu (right click, Shift+F10, long press): pin, mute
 * (then mute-always), unmute, mark-read, mark-unread, archive. `archive-row` leads to the archived ones.
 * new-menu              the + above the list: new-group, join-by-link
 * people-picker         a search field; each person found is a `person-option` with `data-user-id`, each one picked a
 *                       `person-chip`
 * new-group-dialog      people-picker, `next-step`, then `group-name`, colours (`input[value=3]`), `create-group`
 * group-panel           `open-info` in the header opens it. `group-title`, `edit-group` (then `group-name`,
 *                       `save-group`), `announcement`, `edit-announcement` (then `announcement-input`,
 *                       `save-announcement`), `member-count`, `member-search`, each `member-row` with `data-user-id` and
 *                       `data-role`, its `member-menu` (make-admin, remove-admin, make-owner, mute-member with
 *                       mute-member-always, unmute-member, remove-member, message-member), `invite-people` (then
 *                       `invite-submit`), `open-links`, `open-requests`, switches `mute-all` and `join-approval`,
 *                       `leave-group`; what asks first is answered with `confirm`
 * link-row              an invite link with `data-url`: `copy-link`, `revoke-link`; made with `link-expiry`, `link-uses`,
 *                       `make-link`
 * request-row           a request to join with `data-user-id`: `approve`, `decline`; `select-all`, `approve-selected`
 * announcement-bar      the announcement over the messages; `dismiss-announcement`
 * join-page             what an invite link leads to; `data-state` = asking | ready | requested | member | invalid | failed;
 *                       `join-link-input`, `join-submit`, `join-open`, `join-close`
 * device-row            in the settings, with `data-session-id`, `data-current`: `end-device`; `end-other-devices`;
 *                       `show-online` is a switch
 *
 * back-button           phone and Esc: from the conversation to the list
 */
export const testIds = {
  ...messageTestIds,
  loginForm: 'login-form',
  serverUrl: 'server-url',
  serverCheck: 'server-check',
  username: 'username',
  displayName: 'display-name',
  password: 'password',
  submit: 'submit',
  tabLogin: 'tab-login',
  tabRegister: 'tab-register',
  formError: 'form-error',
  conversationList: 'conversation-list',
  conversationItem: 'conversation-item',
  unreadBadge: 'unread-badge',
  peopleSearch: 'people-search',
  searchResult: 'search-result',
  messageList: 'message-list',
  message: 'message',
  messageText: 'message-text',
  messageTick: 'message-tick',
  newMessagesDivider: 'new-messages-divider',
  jumpToEnd: 'jump-to-end',
  composer: 'composer',
  composerInput: 'composer-input',
  sendButton: 'send-button',
  retryMessage: 'retry-message',
  failedMenu: 'failed-menu',
  connectionBar: 'connection-bar',
  bridgeBar: 'bridge-bar',
  settingsButton: 'settings-button',
  themeSelect: 'theme-select',
  languageSelect: 'language-select',
  sendKeySelect: 'send-key-select',
  logOut: 'log-out',
  logOutConfirm: 'log-out-confirm',
  logOutUnsent: 'log-out-unsent',
  loginUnsent: 'login-unsent',
  backButton: 'back-button',
  openPage: 'open-page',

  mentionMark: 'mention-mark',
  unreadMark: 'unread-mark',
  onlineDot: 'online-dot',
  pin: 'pin',
  mute: 'mute',
  muteAlways: 'mute-always',
  unmute: 'unmute',
  markRead: 'mark-read',
  markUnread: 'mark-unread',
  archive: 'archive',
  archiveRow: 'archive-row',
  newMenu: 'new-menu',
  newGroup: 'new-group',
  joinByLink: 'join-by-link',
  joinLinkResult: 'join-link-result',
  confirm: 'confirm',
  peoplePicker: 'people-picker',
  personOption: 'person-option',
  personChip: 'person-chip',
  newGroupDialog: 'new-group-dialog',
  nextStep: 'next-step',
  groupName: 'group-name',
  createGroup: 'create-group',
  groupPanel: 'group-panel',
  groupTitle: 'group-title',
  editGroup: 'edit-group',
  saveGroup: 'save-group',
  announcement: 'announcement',
  editAnnouncement: 'edit-announcement',
  announcementInput: 'announcement-input',
  saveAnnouncement: 'save-announcement',
  announcementBar: 'announcement-bar',
  dismissAnnouncement: 'dismiss-announcement',
  memberCount: 'member-count',
  memberSearch: 'member-search',
  memberList: 'member-list',
  memberRow: 'member-row',
  memberMenu: 'member-menu',
  makeAdmin: 'make-admin',
  removeAdmin: 'remove-admin',
  makeOwner: 'make-owner',
  muteMember: 'mute-member',
  muteMemberAlways: 'mute-member-always',
  unmuteMember: 'unmute-member',
  removeMember: 'remove-member',
  messageMember: 'message-member',
  invitePeople: 'invite-people',
  inviteSubmit: 'invite-submit',
  openLinks: 'open-links',
  linkRow: 'link-row',
  copyLink: 'copy-link',
  revokeLink: 'revoke-link',
  linkExpiry: 'link-expiry',
  linkUses: 'link-uses',
  makeLink: 'make-link',
  openRequests: 'open-requests',
  requestRow: 'request-row',
  approve: 'approve',
  decline: 'decline',
  selectAll: 'select-all',
  approveSelected: 'approve-selected',
  muteAll: 'mute-all',
  joinApproval: 'join-approval',
  leaveGroup: 'leave-group',
  joinPage: 'join-page',
  joinLinkInput: 'join-link-input',
  joinSubmit: 'join-submit',
  joinOpen: 'join-open',
  joinClose: 'join-close',
  deviceRow: 'device-row',
  endDevice: 'end-device',
  endOtherDevices: 'end-other-devices',
  showOnline: 'show-online',
} as const;
