import { Menu } from '@base-ui/react/menu';
import { CheckCheck, Copy, Forward, ListChecks, Pencil, Plus, Reply, RotateCw, Trash2, Undo2 } from 'lucide-react';
import { useRef } from 'react';
import type { ConversationView, MessageView } from '../../bridge/contract.ts';
import { MenuItem, MenuLine, PlacedMenu } from '../design/menu.tsx';
import { useText } from '../i18n/use-text.ts';
import { toggleReaction } from '../state/message-actions.ts';
import { discardMessage, retryMessage } from '../state/send-message.ts';
import type { Ui } from '../state/ui.ts';
import { useUi } from '../state/ui-context.tsx';
import { say, startEdit, startReply, startSelection } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import { mayWrite } from './may-write.ts';
import styles from './message-menu.module.css';
import { isSelectable, isSystemLine } from './row-models.ts';

export interface MenuTarget {
  readonly message: MessageView;
  readonly at: DOMRect;
  /** Only the reactions were asked for. */
  readonly reactionsOnly?: boolean;
}

export const quickReactions = ['👍', '❤️', '😂', '😮', '😢', '🙏'] as const;

const icon = { size: 16, 'aria-hidden': true } as const;

/** What may be done with a message now. The server decides; this only says which items to show. */
export function allowed(message: MessageView, conversation: ConversationView, nowMs: number) {
  const stored = message.convSeq !== null;
  const text = message.kind === 'text' && !isSystemLine(message);
  const write = mayWrite(conversation, nowMs);
  return {
    retry: message.mine && message.status === 'failed',
    discard: message.mine && message.status === 'failed',
    react: stored && text && write,
    reply: stored && text && write,
    copy: text && message.text !== '',
    forward: stored && text,
    edit: stored && text && message.mine && write && message.editableUntilMs > nowMs,
    select: isSelectable(message),
    readers: stored && text && message.mine && conversation.group !== null && !conversation.group.left,
    recall:
      stored &&
      text &&
      conversation.group?.left !== true &&
      (message.recallableUntilMs === null || message.recallableUntilMs > nowMs),
    deleteForMe: stored,
  };
}

/** One menu for all messages: at the pointer, on a phone a sheet. */
export function MessageMenu(props: {
  target: MenuTarget | null;
  conversation: ConversationView;
  onClose(): void;
  returnTo(message: MessageView): HTMLElement | null;
}) {
  const { target, conversation, onClose, returnTo } = props;
  const ui = useUi();
  const text = useText();
  // The content stays while the menu closes.
  const last = useRef<MenuTarget | null>(null);
  if (target !== null) last.current = target;
  const shown = last.current;
  if (shown === null) return null;
  const { message, at, reactionsOnly } = shown;
  const { conversationId } = message;
  const can = allowed(message, conversation, ui.surroundings.now());
  const open = (dialog: NonNullable<ReturnType<Ui['work']['getState']>['dialog']>) => ui.work.setState({ dialog });

  return (
    <PlacedMenu at={at} open={target !== null} onClose={onClose} returnTo={() => returnTo(message)}>
      {can.react ? <QuickReactions message={message} at={at} /> : null}
      {reactionsOnly ? null : (
        <>
          {can.retry ? (
            <MenuItem icon={<RotateCw {...icon} />} onClick={() => void retryMessage(ui, message.key).catch(() => {})}>
              {text('chat.retry')}
            </MenuItem>
          ) : null}
          {can.reply ? (
            <MenuItem
              icon={<Reply {...icon} />}
              onClick={() => startReply(ui.work, message)}
              testId={testIds.menuReply}
            >
              {text('message.reply')}
            </MenuItem>
          ) : null}
          {can.copy ? (
            <MenuItem icon={<Copy {...icon} />} onClick={() => copy(ui, message)} testId={testIds.menuCopy}>
              {text('chat.copy')}
            </MenuItem>
          ) : null}
          {can.edit ? (
            <MenuItem icon={<Pencil {...icon} />} onClick={() => startEdit(ui.work, message)} testId={testIds.menuEdit}>
              {text('message.edit')}
            </MenuItem>
          ) : null}
          {can.forward ? (
            <MenuItem
              icon={<Forward {...icon} />}
              onClick={() => open({ kind: 'forward', conversationId, convSeqs: [message.convSeq!] })}
              testId={testIds.menuForward}
            >
              {text('message.forward')}
            </MenuItem>
          ) : null}
          {can.readers ? (
            <MenuItem
              icon={<CheckCheck {...icon} />}
              onClick={() => open({ kind: 'readers', conversationId, convSeq: message.convSeq! })}
              testId={testIds.menuReaders}
            >
              {text('message.readBy')}
            </MenuItem>
          ) : null}
          {can.select ? (
            <MenuItem
              icon={<ListChecks {...icon} />}
              onClick={() => startSelection(ui.work, conversationId, message.convSeq)}
              testId={testIds.menuSelect}
            >
              {text('message.select')}
            </MenuItem>
          ) : null}
          {can.reply && (can.recall || can.deleteForMe) ? <MenuLine /> : null}
          {can.recall ? (
            <MenuItem
              danger
              icon={<Undo2 {...icon} />}
              onClick={() => open({ kind: 'recall', message })}
              testId={testIds.menuRecall}
            >
              {text('message.recall')}
            </MenuItem>
          ) : null}
          {can.deleteForMe ? (
            <MenuItem
              danger
              icon={<Trash2 {...icon} />}
              onClick={() => open({ kind: 'delete', conversationId, convSeqs: [message.convSeq!] })}
              testId={testIds.menuDelete}
            >
              {text('message.deleteForMe')}
            </MenuItem>
          ) : null}
          {can.discard ? (
            <MenuItem
              danger
              icon={<Trash2 {...icon} />}
              onClick={() => void discardMessage(ui, message.key).catch(() => {})}
            >
              {text('chat.delete')}
            </MenuItem>
          ) : null}
        </>
      )}
    </PlacedMenu>
  );
}

function copy(ui: Ui, message: MessageView): void {
  navigator.clipboard.writeText(message.text).then(
    () => say(ui.work, message.conversationId, { kind: 'copied' }),
    // Refused only where the browser forbids it to the page as a whole.
    () => {},
  );
}

function QuickReactions({ message, at }: { message: MessageView; at: DOMRect }) {
  const ui = useUi();
  const text = useText();
  const mine = new Set(message.reactions.filter((one) => one.mine).map(({ emoji }) => emoji));
  return (
    <Menu.Group className={styles.quick} aria-label={text('message.react')}>
      {quickReactions.map((emoji) => (
        <Menu.Item
          key={emoji}
          className={styles['quick-reaction']}
          aria-label={text('message.reactionCount', { emoji, count: mine.has(emoji) ? 1 : 0 })}
          data-mine={mine.has(emoji) || undefined}
          onClick={() => void toggleReaction(ui, message, emoji)}
          data-testid={testIds.quickReaction}
          data-emoji={emoji}
        >
          {emoji}
        </Menu.Item>
      ))}
      <Menu.Item
        className={styles['quick-reaction']}
        aria-label={text('message.moreReactions')}
        title={text('message.moreReactions')}
        onClick={() => ui.work.setState({ dialog: { kind: 'react', message, at } })}
        data-testid={testIds.moreReactions}
      >
        <Plus size={18} aria-hidden="true" />
      </Menu.Item>
    </Menu.Group>
  );
}
