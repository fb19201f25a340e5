import type { SettingsView } from '../../bridge/contract.ts';
import { type Catalogue, messagesEn } from './messages-en.ts';
import { messagesZhCn } from './messages-zh-cn.ts';

export type Language = 'en' | 'zh-CN';

export const catalogues: Readonly<Record<Language, Catalogue>> = { en: messagesEn, 'zh-CN': messagesZhCn };

/** The language to show: the chosen one, or the first of the system's that we have. */
export function resolveLanguage(chosen: SettingsView['language'], systemLanguages: readonly string[]): Language {
  if (chosen !== 'system') return chosen;
  for (const language of systemLanguages) {
    if (language.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (language.toLowerCase().startsWith('en')) return 'en';
  }
  return 'en';
}
