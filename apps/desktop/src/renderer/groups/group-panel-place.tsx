import { Dialog } from '@base-ui/react/dialog';
import { lazy, Suspense, useRef } from 'react';
import { useText } from '../i18n/use-text.ts';
import { useMedia } from '../shell/use-layout.ts';
import { useApp, useConversation, useUi, useWork } from '../state/ui-context.tsx';
import styles from './group-panel-place.module.css';

const GroupPanel = lazy(() => import('./group-panel.tsx'));

/** From here on there is room for it beside the conversation. */
const besideFrom = '(min-width: 1200px)';

export interface GroupPanelState {
  readonly open: boolean;
  toggle(): void;
}

/** For the button of a conversation's header. */
export function useGroupPanel(conversationId: string): GroupPanelState {
  const ui = useUi();
  const beside = useMedia(besideFrom);
  const panelFor = useApp((state) => state.panelFor);
  const open = beside ? panelFor !== null : panelFor === conversationId;
  return { open, toggle: () => ui.app.setState({ panelFor: open ? null : conversationId }) };
}

/** Beside the conversation in a wide window; over it elsewhere, and then the only thing that can be used. */
export function GroupPanelPlace() {
  const ui = useUi();
  const text = useText();
  const beside = useMedia(besideFrom);
  const openId = useApp((state) => state.openConversationId);
  const panelFor = useApp((state) => state.panelFor);
  const screen = useApp((state) => state.screen);
  const isGroup = useConversation(openId ?? '')?.kind === 'group';
  const popup = useRef<HTMLDivElement>(null);
  const close = () => ui.app.setState({ panelFor: null });
  // The search of a conversation takes the same place.
  const searching = useWork((state) => state.searching !== null);
  const shown =
    openId !== null &&
    isGroup &&
    !searching &&
    (beside ? panelFor !== null : panelFor === openId && screen === 'chats');
  if (beside) {
    if (!shown) return null;
    return (
      <aside className={styles.beside} aria-label={text('group.info')}>
        <Suspense>
          <GroupPanel conversationId={openId} onClose={close} />
        </Suspense>
      </aside>
    );
  }
  return (
    <Dialog.Root open={shown} onOpenChange={(next) => !next && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup ref={popup} initialFocus={popup} className={styles.over} aria-label={text('group.info')}>
          <Suspense>{openId === null ? null : <GroupPanel conversationId={openId} onClose={close} />}</Suspense>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
