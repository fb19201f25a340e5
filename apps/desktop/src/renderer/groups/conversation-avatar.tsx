import type { ConversationView } from '../../bridge/contract.ts';
import { Avatar } from '../design/controls.tsx';

type Shown = Pick<ConversationView, 'conversationId' | 'title' | 'peer' | 'group'>;

/** The peer's colour in a direct conversation, in a group the one that was chosen. */
export function ConversationAvatar({ conversation, size }: { conversation: Shown; size?: number }) {
  const { conversationId, title, peer, group } = conversation;
  return (
    <Avatar
      id={peer?.userId ?? conversationId}
      name={title}
      colour={group?.avatarColor}
      {...(size === undefined ? {} : { size })}
    />
  );
}
