import { Popover } from '@base-ui/react/popover';
import { lazy, Suspense } from 'react';
import type { MessageView } from '../../bridge/contract.ts';
import { Confirm, type Question } from '../design/dialog.tsx';
import { useText } from '../i18n/use-text.ts';
import { deleteForMe, recall, toggleReaction } from '../state/message-actions.ts';
import { useUi, useWork } from '../state/ui-context.tsx';
import popupStyles from './emoji-popup.module.css';

const EmojiPicker = lazy(() => import('./emoji-picker.tsx'));
const ForwardDialog = lazy(() => import('./forward-dialog.tsx'));
const ReadersDialog = lazy(() => import('./readers-dialog.tsx'));
const DateDialog = lazy(() => import('./date-dialog.tsx'));

/** What opens over the messages. Each is loaded when it is first needed. */
export function MessageDialogs() {
  const ui = useUi();
  const dialog = useWork((state) => state.dialog);
  const close = () => ui.work.setState({ dialog: null });
  return (
    <>
      <Questions />
      <Suspense>
        {dialog?.kind === 'forward' ? <ForwardDialog {...dialog} onClose={close} /> : null}
        {dialog?.kind === 'readers' ? <ReadersDialog {...dialog} onClose={close} /> : null}
        {dialog?.kind === 'date' ? <DateDialog conversationId={dialog.conversationId} onClose={close} /> : null}
      </Suspense>
      {dialog?.kind === 'react' ? <ReactionPicker message={dialog.message} at={dialog.at} onClose={close} /> : null}
    </>
  );
}

function Questions() {
  const ui = useUi();
  const text = useText();
  const dialog = useWork((state) => state.dialog);
  let question: Question | null = null;
  if (dialog?.kind === 'recall') {
    const { message } = dialog;
    question = {
      title: text('message.recallTitle'),
      text: text('message.recallText'),
      action: text('message.recallAction'),
      danger: true,
      run: () => recall(ui, message),
    };
  } else if (dialog?.kind === 'delete') {
    const { conversationId, convSeqs } = dialog;
    question = {
      title: text('message.deleteTitle', { count: convSeqs.length }),
      text: text('message.deleteText'),
      action: text('chat.delete'),
      danger: true,
      run: () => deleteForMe(ui, conversationId, convSeqs),
    };
  }
  return <Confirm question={question} onClose={() => ui.work.setState({ dialog: null })} />;
}

/** All emoji, beside the message that they are for. */
function ReactionPicker({ message, at, onClose }: { message: MessageView; at: DOMRect; onClose(): void }) {
  const ui = useUi();
  const text = useText();
  return (
    <Popover.Root open onOpenChange={(open) => !open && onClose()}>
      <Popover.Portal>
        <Popover.Positioner
          className={popupStyles.positioner}
          anchor={{ getBoundingClientRect: () => at }}
          side="bottom"
          align="start"
          sideOffset={4}
          collisionPadding={8}
        >
          <Popover.Popup className={popupStyles.popup} aria-label={text('message.react')}>
            <Suspense>
              <EmojiPicker
                onPick={(emoji) => {
                  onClose();
                  void toggleReaction(ui, message, emoji);
                }}
              />
            </Suspense>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
