import { Popover } from '@base-ui/react/popover';
import { Smile } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './composer.module.css';
import popupStyles from './emoji-popup.module.css';

const EmojiPicker = lazy(() => import('./emoji-picker.tsx'));

/** Emoji for the text. On a phone the keyboard has its own. */
export function EmojiButton({ onPick }: { onPick(emoji: string): void }) {
  const text = useText();
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        className={styles.emoji}
        aria-label={text('composer.emoji')}
        title={text('composer.emoji')}
        data-testid={testIds.composerEmoji}
      >
        <Smile size={20} aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner
          className={popupStyles.positioner}
          side="top"
          align="end"
          sideOffset={8}
          collisionPadding={8}
        >
          <Popover.Popup className={popupStyles.popup} aria-label={text('composer.emoji')} finalFocus={false}>
            <Suspense>
              <EmojiPicker
                onPick={(emoji) => {
                  setOpen(false);
                  onPick(emoji);
                }}
              />
            </Suspense>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
