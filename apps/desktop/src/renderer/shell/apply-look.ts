/** Theme and language on <html>, kept for the first paint of the next start, before the engine has answered. */
import type { SettingsView } from '../../bridge/contract.ts';
import { resolveLanguage } from '../i18n/language.ts';

const lookKey = 'fastim.look';

export function applyLook(document: Document, settings: SettingsView, systemLanguages: readonly string[]): void {
  const root = document.documentElement;
  if (settings.theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = settings.theme;
  root.lang = resolveLanguage(settings.language, systemLanguages);
}

export function rememberLook(storage: Storage, settings: SettingsView): void {
  storage.setItem(lookKey, JSON.stringify(settings));
}

export function rememberedLook(storage: Storage, fallback: SettingsView): SettingsView {
  try {
    const kept = JSON.parse(storage.getItem(lookKey) ?? 'null') as Partial<SettingsView> | null;
    const theme = kept?.theme === 'light' || kept?.theme === 'dark' ? kept.theme : fallback.theme;
    const language = kept?.language === 'en' || kept?.language === 'zh-CN' ? kept.language : fallback.language;
    const sendKey = kept?.sendKey === 'ctrl-enter' ? kept.sendKey : fallback.sendKey;
    return { theme, language, sendKey };
  } catch {
    return fallback;
  }
}
