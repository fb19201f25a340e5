import { Menu } from '@base-ui/react/menu';
import { Copy, RotateCw, Trash2 } from 'lucide-react';
import { useRef } from 'react';
import type { MessageView } from '../../bridge/contract.ts';
import { useText } from '../i18n/use-text.ts';
import { discardMessage, retryMessage } from '../state/send-message.ts';
import { useUi } from '../state/ui-context.tsx';
import styles from './message-menu.module.css';

export interface MenuTarget {
  message: MessageView;
  at: DOMRect;
}

const icon = { size: 16, 'aria-hidden': true } as const;

/** One menu for all messages: a menu at the pointer, on a phone a sheet. */
export function MessageMenu({ target, onClose }: { target: MenuTarget | null; onClose(): void }) {
  const ui = useUi();
  const text = useText();
  // The content stays while the menu closes.
  const last = useRef<MenuTarget | null>(null);
  if (target !== null) last.current = target;
  const shown = last.current;
  if (shown === null) return null;
  const { message, at } = shown;
  const failed = message.mine && message.status === 'failed';
  return (
    <Menu.Root open={target !== null} onOpenChange={(open) => !open && onClose()}>
      <Menu.Portal>
        <Menu.Backdrop className={styles.backdrop} />
        <Menu.Positioner
          className={styles.positioner}
          anchor={{ getBoundingClientRect: () => at }}
          side="bottom"
          align="start"
          sideOffset={4}
          collisionPadding={8}
        >
          <Menu.Popup className={styles.popup}>
            {failed ? (
              <Menu.Item className={styles.item} onClick={() => void retryMessage(ui, message.key).catch(() => {})}>
                <RotateCw {...icon} />
                {text('chat.retry')}
              </Menu.Item>
            ) : null}
            <Menu.Item
              className={styles.item}
              // Refused only where the browser forbids it to the page as a whole.
              onClick={() => void navigator.clipboard.writeText(message.text).catch(() => {})}
            >
              <Copy {...icon} />
              {text('chat.copy')}
            </Menu.Item>
            {failed ? (
              <Menu.Item
                className={styles['danger-item']}
                onClick={() => void discardMessage(ui, message.key).catch(() => {})}
              >
                <Trash2 {...icon} />
                {text('chat.delete')}
              </Menu.Item>
            ) : null}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
