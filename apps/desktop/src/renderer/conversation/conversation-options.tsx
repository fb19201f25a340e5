import { type KeyboardEvent, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useApp, useConversations } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { ConversationItem } from './conversation-item.tsx';
import styles from './conversation-list.module.css';
import { useSteadyOrder } from './use-steady-order.ts';

/** The conversations, newest activity first. One of them is in the tab order; arrows move, Enter opens. */
export function ConversationOptions({ listId, onOpen }: { listId: string; onOpen(id: string): void }) {
  const text = useText();
  const byId = useConversations((state) => state.byId);
  const openId = useApp((state) => state.openConversationId);
  const { order, ...pointer } = useSteadyOrder(useConversations((state) => state.order));
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const today = useNow(60 * 1000);
  const scroller = useRef<HTMLDivElement>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const focusedIndex = order.indexOf(focusedId ?? openId ?? '');
  const tabbableIndex = Math.max(0, focusedIndex);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const current = (event.target as Element).closest<HTMLElement>('[data-conversation-id]');
    const index = order.indexOf(current?.dataset.conversationId ?? '');
    if (index < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onOpen(order[index]!);
      return;
    }
    const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: order.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(order.length - 1, target));
    setFocusedId(order[next]!);
    handle.current?.scrollToIndex(next, { align: 'nearest' });
    requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-conversation-id="${order[next]}"]`)?.focus();
    });
  };

  return (
    <div ref={scroller} className={styles.scroller} data-testid={testIds.conversationList} {...pointer}>
      <div id={listId} role="listbox" aria-label={text('chats.list')} onKeyDown={onKeyDown}>
        <Virtualizer ref={handle} data={order} scrollRef={scroller} itemSize={64} keepMounted={[tabbableIndex]}>
          {(id, index) => {
            const conversation = byId.get(id)!;
            return (
              <ConversationItem
                key={id}
                id={`${listId}-${index}`}
                conversation={conversation}
                open={id === openId}
                active={false}
                tabbable={index === tabbableIndex}
                position={index + 1}
                total={order.length}
                today={today}
                onOpen={onOpen}
              />
            );
          }}
        </Virtualizer>
      </div>
    </div>
  );
}
