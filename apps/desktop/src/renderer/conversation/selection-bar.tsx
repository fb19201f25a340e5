import { Forward, Trash2, X } from 'lucide-react';
import { Button, IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { useUi, useWork } from '../state/ui-context.tsx';
import { endSelection } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import styles from './composer.module.css';

/** Stands in the place of the composer while messages are chosen. */
export function SelectionBar({ conversationId }: { conversationId: string }) {
  const ui = useUi();
  const text = useText();
  const chosen = useWork((state) => state.selection?.convSeqs);
  const convSeqs = [...(chosen ?? [])].sort((a, b) => a - b);
  const count = convSeqs.length;
  const open = (kind: 'forward' | 'delete') => ui.work.setState({ dialog: { kind, conversationId, convSeqs } });
  return (
    <div className={styles.selection} data-testid={testIds.selectionBar}>
      <IconButton
        label={text('message.cancelSelection')}
        onClick={() => endSelection(ui.work)}
        data-testid={testIds.endSelection}
      >
        <X size={20} aria-hidden="true" />
      </IconButton>
      <p role="status" data-testid={testIds.selectionCount} data-count={count}>
        {count === 0 ? text('message.selectHint') : text('message.selected', { count })}
      </p>
      <Button kind="quiet" disabled={count === 0} onClick={() => open('forward')} data-testid={testIds.forwardSelected}>
        <Forward size={18} aria-hidden="true" />
        {text('message.forwardAction')}
      </Button>
      <Button kind="quiet" disabled={count === 0} onClick={() => open('delete')} data-testid={testIds.deleteSelected}>
        <Trash2 size={18} aria-hidden="true" />
        {text('chat.delete')}
      </Button>
    </div>
  );
}
