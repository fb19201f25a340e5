import { Archive, ArchiveRestore, Bell, BellOff, CheckCheck, Circle, Info, Pin, PinOff } from 'lucide-react';
import { useRef } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { MenuItem, MenuLine, PlacedMenu, SubMenu } from '../design/menu.tsx';
import { forever } from '../i18n/forever.ts';
import { useText } from '../i18n/use-text.ts';
import { openConversation } from '../state/open-conversation.ts';
import { useConversations, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { changeSettings, hourMs, isSilent, markAllRead, standsOut } from './conversation-settings.ts';

export interface ConversationMenuTarget {
  conversationId: string;
  at: DOMRect;
}

const icon = { size: 16, 'aria-hidden': true } as const;

/** One menu for all rows of the list. */
export function ConversationMenu(props: {
  target: ConversationMenuTarget | null;
  onClose(): void;
  returnTo(): HTMLElement | null;
}) {
  const { target, onClose, returnTo } = props;
  // The content stays while the menu closes.
  const last = useRef<ConversationMenuTarget | null>(null);
  if (target !== null) last.current = target;
  const shown = last.current;
  const conversation = useConversations((state) => state.byId.get(shown?.conversationId ?? ''));
  if (shown === null || !conversation) return null;
  return (
    <PlacedMenu at={shown.at} open={target !== null} onClose={onClose} returnTo={returnTo}>
      <Choices conversation={conversation} />
    </PlacedMenu>
  );
}

function Choices({ conversation }: { conversation: ConversationView }) {
  const ui = useUi();
  const text = useText();
  const { conversationId, pinnedMs, archived } = conversation;
  const now = ui.surroundings.now();
  // A change that could not be stored changes nothing: the row shows what is.
  const change = (patch: Parameters<typeof changeSettings>[2]) =>
    void changeSettings(ui, conversationId, patch).catch(() => {});
  return (
    <>
      {pinnedMs > 0 ? (
        <MenuItem icon={<PinOff {...icon} />} onClick={() => change({ pinned: false })}>
          {text('list.unpin')}
        </MenuItem>
      ) : (
        <MenuItem icon={<Pin {...icon} />} onClick={() => change({ pinned: true })} testId={testIds.pin}>
          {text('list.pin')}
        </MenuItem>
      )}
      {isSilent(conversation, now) ? (
        <MenuItem icon={<Bell {...icon} />} onClick={() => change({ silentUntilMs: 0 })} testId={testIds.unmute}>
          {text('list.unmute')}
        </MenuItem>
      ) : (
        <SubMenu icon={<BellOff {...icon} />} label={text('list.mute')} testId={testIds.mute}>
          <MenuItem onClick={() => change({ silentUntilMs: now + hourMs })}>{text('list.muteHour')}</MenuItem>
          <MenuItem onClick={() => change({ silentUntilMs: now + 8 * hourMs })}>{text('list.muteHours')}</MenuItem>
          <MenuItem onClick={() => change({ silentUntilMs: forever })} testId={testIds.muteAlways}>
            {text('list.muteAlways')}
          </MenuItem>
        </SubMenu>
      )}
      {standsOut(conversation) ? (
        <MenuItem
          icon={<CheckCheck {...icon} />}
          onClick={() => void markAllRead(ui, conversation).catch(() => {})}
          testId={testIds.markRead}
        >
          {text('list.markRead')}
        </MenuItem>
      ) : (
        <MenuItem
          icon={<Circle {...icon} />}
          onClick={() => change({ markedUnread: true })}
          testId={testIds.markUnread}
        >
          {text('list.markUnread')}
        </MenuItem>
      )}
      {archived ? (
        <MenuItem icon={<ArchiveRestore {...icon} />} onClick={() => change({ archived: false })}>
          {text('list.unarchive')}
        </MenuItem>
      ) : (
        <MenuItem icon={<Archive {...icon} />} onClick={() => change({ archived: true })} testId={testIds.archive}>
          {text('list.archive')}
        </MenuItem>
      )}
      {conversation.group ? (
        <>
          <MenuLine />
          <MenuItem
            icon={<Info {...icon} />}
            onClick={() => {
              void openConversation(ui, conversationId);
              ui.app.setState({ panelFor: conversationId });
            }}
          >
            {text('group.info')}
          </MenuItem>
        </>
      ) : null}
    </>
  );
}
