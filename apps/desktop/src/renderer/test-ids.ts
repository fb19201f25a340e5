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
 * back-button           phone and Esc: from the conversation to the list
 */
export const testIds = {
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
} as const;
