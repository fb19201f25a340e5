import { useEffect, useState } from 'react';
import type { ConversationView, UserView } from '../../bridge/contract.ts';
import { useText } from '../i18n/use-text.ts';
import { useApp, useConversations, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './message-search.module.css';
import { oneLine } from './safe-text.ts';

const membersShown = 100;

interface Sender {
  readonly userId: string;
  readonly name: string;
}

/** Whose messages: of a conversation its people, elsewhere those I talk with. */
export function SearchFrom(props: {
  /** null: everywhere. */
  conversation: ConversationView | null;
  sender: Sender | null;
  onChange(sender: Sender | null): void;
}) {
  const { conversation, sender, onChange } = props;
  const ui = useUi();
  const text = useText();
  const me = useApp((state) => state.account?.user.userId ?? '');
  const byId = useConversations((state) => state.byId);
  const [members, setMembers] = useState<readonly UserView[]>([]);
  const groupId = conversation?.group ? conversation.conversationId : null;

  useEffect(() => {
    setMembers([]);
    if (groupId === null) return undefined;
    let current = true;
    ui.link.call('groups.members', { conversationId: groupId, query: '', after: null, limit: membersShown }).then(
      (page) => current && setMembers(page.members.map(({ user }) => user)),
      // Then only "anybody" and "me" are offered.
      () => {},
    );
    return () => {
      current = false;
    };
  }, [ui, groupId]);

  const peers = conversation
    ? conversation.peer
      ? [conversation.peer]
      : members
    : [...byId.values()].flatMap(({ peer }) => (peer ? [peer] : []));
  const others: Sender[] = peers
    .filter(({ userId }) => userId !== me)
    .map((user) => ({ userId: user.userId, name: oneLine(user.displayName || user.username, 40) }))
    .sort((a, b) => a.name.localeCompare(b.name));
  const listed = sender === null || sender.userId === me || others.some(({ userId }) => userId === sender.userId);
  const all: Sender[] = [{ userId: me, name: text('find.me') }, ...(listed ? [] : [sender]), ...others];
  return (
    <label className={styles.select}>
      <span>{text('find.from')}</span>
      <select
        value={sender?.userId ?? ''}
        onChange={(event) => onChange(all.find(({ userId }) => userId === event.target.value) ?? null)}
        data-testid={testIds.searchFrom}
      >
        <option value="">{text('find.anybody')}</option>
        {all.map(({ userId, name }) => (
          <option key={userId} value={userId}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
