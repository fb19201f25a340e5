import { MessageCircle } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { Button } from '../design/controls.tsx';
import { AnnouncementBar } from '../groups/announcement-bar.tsx';
import { ConversationAvatar } from '../groups/conversation-avatar.tsx';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { ConnectionBar } from '../shell/connection-bar.tsx';
import { modifierName } from '../shell/platform-keys.ts';
import { searchInputId } from '../shell/search-input.ts';
import { useLayout } from '../shell/use-layout.ts';
import { showConversation } from '../state/open-conversation.ts';
import { useApp, useConversation, useConversations, useMessages, useUi, useWork } from '../state/ui-context.tsx';
import { ChatNote } from './chat-note.tsx';
import { Composer } from './composer.tsx';
import { ConversationHeader } from './conversation-header.tsx';
import styles from './conversation-pane.module.css';
import { MessageDialogs } from './message-dialogs.tsx';
import { MessageList } from './message-list.tsx';
import { SelectionBar } from './selection-bar.tsx';
import { useConversationKeys } from './use-conversation-keys.ts';

const MessageSearch = lazy(() => import('./message-search.tsx'));

/** The open conversation, or what to do when there is none. */
export function ConversationPane() {
  const openId = useApp((state) => state.openConversationId);
  const conversation = useConversation(openId ?? '');
  const searching = useWork((state) => state.searching !== null && state.searching === openId);
  return (
    <main className={styles.pane}>
      {conversation ? <OpenConversation key={conversation.conversationId} conversation={conversation} /> : <NoneOpen />}
      {/* Beside the conversation, not in it: a hit may lead to another one. */}
      {conversation && searching ? (
        <Suspense>
          <MessageSearch conversation={conversation} />
        </Suspense>
      ) : null}
    </main>
  );
}

function OpenConversation({ conversation }: { conversation: ConversationView }) {
  const { conversationId } = conversation;
  const selecting = useWork((state) => state.selection?.conversationId === conversationId);
  useConversationKeys(conversationId);
  return (
    <div className={styles.conversation}>
      <ConversationHeader conversation={conversation} />
      <div className={styles.body}>
        <ConnectionBar />
        <AnnouncementBar conversation={conversation} />
        <Messages conversation={conversation} />
        <ChatNote conversationId={conversationId} />
      </div>
      {/* What is being written stays where it is while messages are chosen. */}
      <div className={styles.foot} hidden={selecting}>
        <Composer conversation={conversation} />
      </div>
      {selecting ? <SelectionBar conversationId={conversationId} /> : null}
      <MessageDialogs />
    </div>
  );
}

function Messages({ conversation }: { conversation: ConversationView }) {
  const ui = useUi();
  const text = useText();
  const { conversationId, title } = conversation;
  const open = useMessages((state) => state.open.get(conversationId));
  const failed = useMessages((state) => state.failed.get(conversationId));
  if (open) {
    if (open.window.rows.length === 0) {
      return (
        <div className={styles.empty}>
          <ConversationAvatar conversation={conversation} size={72} />
          <h2>
            {text(conversation.group ? 'message.groupStartTitle' : 'chat.startTitle', { title: title.slice(0, 128) })}
          </h2>
          <p>{text('chat.startHint')}</p>
        </div>
      );
    }
    return <MessageList key={`${conversationId}:${open.generation}`} conversation={conversation} open={open} />;
  }
  if (failed !== undefined) {
    return (
      <div className={styles.empty} role="alert">
        <h2>{text('chat.loadFailed')}</h2>
        <p>{errorWords(text, failed)}</p>
        <Button kind="quiet" onClick={() => void showConversation(ui, conversationId)}>
          {text('app.retry')}
        </Button>
      </div>
    );
  }
  return <Skeleton />;
}

const skeletonRows = [38, 52, 27, 44, 60, 33];

/** Shown only when the first page takes longer than a blink. */
function Skeleton() {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={styles.skeleton} aria-busy="true">
      {shown
        ? skeletonRows.map((width, index) => (
            <div
              key={width}
              className={index % 3 === 1 ? styles['skeleton-mine'] : styles['skeleton-theirs']}
              style={{ width: `${width}%` }}
            />
          ))
        : null}
    </div>
  );
}

function NoneOpen() {
  const text = useText();
  const layout = useLayout();
  const ready = useConversations((state) => state.loaded);
  const hasAny = useConversations((state) => state.order.length > 0);
  return (
    <div className={styles.body}>
      <ConnectionBar />
      {ready ? (
        <div className={styles.empty}>
          <MessageCircle size={48} strokeWidth={1.25} aria-hidden="true" />
          {hasAny ? (
            <>
              <h2>{text('chat.none')}</h2>
              <p>{text('chat.noneHint', { shortcut: `${modifierName()}+K` })}</p>
            </>
          ) : (
            <>
              <p>{text('chat.noneYet')}</p>
              {layout === 'tablet' ? (
                <Button onClick={() => document.getElementById(searchInputId)?.focus()}>
                  {text('chats.emptyAction')}
                </Button>
              ) : null}
            </>
          )}
        </div>
      ) : null}
    </div>
  );
}
