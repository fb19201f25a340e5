import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { modifierName } from '../shell/platform-keys.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import styles from './settings.module.css';

export function ShortcutsDialog() {
  const ui = useUi();
  const text = useText();
  const open = useApp((state) => state.shortcutsOpen);
  const sendKey = useApp((state) => state.settings.sendKey);
  const key = modifierName();
  const rows = [
    { words: text('shortcut.search'), keys: [key, 'K'] },
    { words: text('shortcut.find'), keys: [key, 'F'] },
    { words: text('shortcut.nextChat'), keys: ['Alt', '↑ ↓'] },
    { words: text('shortcut.nextUnread'), keys: ['Alt', 'Shift', '↑ ↓'] },
    { words: text('shortcut.send'), keys: sendKey === 'enter' ? ['Enter'] : [key, 'Enter'] },
    { words: text('shortcut.newLine'), keys: sendKey === 'enter' ? ['Shift', 'Enter'] : ['Enter'] },
    { words: text('shortcut.editLast'), keys: ['↑'] },
    { words: text('shortcut.listMenu'), keys: ['Shift', 'F10'] },
    { words: text('shortcut.back'), keys: ['Esc'] },
    { words: text('shortcut.help'), keys: ['?'] },
  ];
  return (
    <Dialog.Root open={open} onOpenChange={(shortcutsOpen) => ui.app.setState({ shortcutsOpen })}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.dialog}>
          <header className={styles.head}>
            <Dialog.Title>{text('settings.shortcuts')}</Dialog.Title>
            <Dialog.Close render={<IconButton label={text('app.close')} />}>
              <X size={20} aria-hidden="true" />
            </Dialog.Close>
          </header>
          <dl className={styles.shortcuts}>
            {rows.map(({ words, keys }) => (
              <div key={words}>
                <dt>{words}</dt>
                <dd>
                  {keys.map((name) => (
                    <kbd key={name}>{name}</kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
