/** What the shell itself says; the page has words of its own. */
import type { SettingsView } from '../engine/views.ts';

export interface Words {
  openFastim: string;
  quit: string;
  open: string;
  cancel: string;
  openLink: string;
  openLinkTo: string;
  newMessage: string;
  newMessages: (messages: number, conversations: number) => string;
  unread: (count: number) => string;
  keepsRunning: string;
  undo: string;
  redo: string;
  cut: string;
  copy: string;
  paste: string;
  selectAll: string;
  cannotStart: string;
}

const english: Words = {
  openFastim: 'Open FastIM',
  quit: 'Quit FastIM',
  open: 'Open',
  cancel: 'Cancel',
  openLink: 'Open this link in your browser?',
  openLinkTo: 'It leads to:',
  newMessage: 'New message',
  newMessages: (messages, conversations) => `${messages} new messages in ${conversations} conversations`,
  unread: (count) => (count === 1 ? '1 unread message' : `${count} unread messages`),
  keepsRunning: 'FastIM keeps running here, so that messages reach you. Quit it from this menu.',
  undo: 'Undo',
  redo: 'Redo',
  cut: 'Cut',
  copy: 'Copy',
  paste: 'Paste',
  selectAll: 'Select all',
  cannotStart: 'FastIM cannot start',
};

const chinese: Words = {
  openFastim: '打开 FastIM',
  quit: '退出 FastIM',
  open: '打开',
  cancel: '取消',
  openLink: '在浏览器中打开此链接？',
  openLinkTo: '链接指向：',
  newMessage: '新消息',
  newMessages: (messages, conversations) => `${conversations} 个会话中有 ${messages} 条新消息`,
  unread: (count) => `${count} 条未读消息`,
  keepsRunning: 'FastIM 在此继续运行，以便接收消息。可从此菜单退出。',
  undo: '撤销',
  redo: '重做',
  cut: '剪切',
  copy: '复制',
  paste: '粘贴',
  selectAll: '全选',
  cannotStart: 'FastIM 无法启动',
};

export function wordsFor(language: SettingsView['language'], systemLocale: string): Words {
  const chosen = language === 'system' ? systemLocale : language;
  return chosen.toLowerCase().startsWith('zh') ? chinese : english;
}
