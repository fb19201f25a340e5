import { CalendarDays, ChevronLeft, EllipsisVertical, Info, ListChecks, Search } from 'lucide-react';
import { useEffect } from 'react';
import { useIntl } from 'react-intl';
import type { ConversationView } from '../../bridge/contract.ts';
import { IconButton, join } from '../design/controls.tsx';
import { ButtonMenu, MenuItem } from '../design/menu.tsx';
import { ConversationAvatar } from '../groups/conversation-avatar.tsx';
import { useGroupPanel } from '../groups/group-panel-place.tsx';
import { clockTime, dayNumber, listTime } from '../i18n/dates.ts';
import { useText } from '../i18n/use-text.ts';
import { useLayout } from '../shell/use-layout.ts';
import { useNow } from '../shell/use-now.ts';
import { openConversation } from '../state/open-conversation.ts';
import { useLive, useUi, useWork } from '../state/ui-context.tsx';
import { startSelection } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import styles from './conversation-pane.module.css';
import { oneLine } from './safe-text.ts';

const icon = { size: 16, 'aria-hidden': true } as const;
const minuteMs = 60_000;

/** Who it is, what they do now, and what can be done with the conversation as a whole. */
export function ConversationHeader({ conversation }: { conversation: ConversationView }) {
  const ui = useUi();
  const text = useText();
  const layout = useLayout();
  const { conversationId, title, group } = conversation;
  const panel = useGroupPanel(conversationId);
  const searching = useWork((state) => state.searching === conversationId);
  const names = (
    <>
      <ConversationAvatar conversation={conversation} size={36} />
      <span className={styles.names}>
        <h1>
          <bdi>{title.slice(0, 128)}</bdi>
        </h1>
        <Subtitle conversation={conversation} />
      </span>
    </>
  );
  const toggleInfo = () => {
    if (!searching) {
      panel.toggle();
      return;
    }
    ui.work.setState({ searching: null });
    ui.app.setState({ panelFor: conversationId });
  };
  return (
    <header className={styles.header}>
      {layout === 'phone' ? (
        <IconButton
          label={text('app.back')}
          className={styles.back}
          onClick={() => void openConversation(ui, null)}
          data-testid={testIds.backButton}
        >
          <ChevronLeft size={26} aria-hidden="true" />
        </IconButton>
      ) : null}
      {group ? (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the button at the end does the same for the keys
        // biome-ignore lint/a11y/noStaticElementInteractions: a larger place for the pointer
        <div className={join(styles.identity, styles.pressable)} onClick={toggleInfo}>
          {names}
        </div>
      ) : (
        <div className={styles.identity}>{names}</div>
      )}
      <IconButton
        label={text('find.open')}
        aria-pressed={searching}
        onClick={() => ui.work.setState({ searching: searching ? null : conversationId })}
        data-testid={testIds.openSearch}
      >
        <Search size={20} aria-hidden="true" />
      </IconButton>
      {group ? (
        <IconButton
          label={text('message.info')}
          aria-pressed={panel.open && !searching}
          onClick={toggleInfo}
          data-testid={testIds.openInfo}
        >
          <Info size={20} aria-hidden="true" />
        </IconButton>
      ) : null}
      <ButtonMenu
        button={
          <IconButton label={text('message.actions')} className={styles.more} data-testid={testIds.chatMenu}>
            <EllipsisVertical size={20} aria-hidden="true" />
          </IconButton>
        }
      >
        <MenuItem
          icon={<CalendarDays {...icon} />}
          onClick={() => ui.work.setState({ dialog: { kind: 'date', conversationId } })}
          testId={testIds.jumpToDate}
        >
          {text('message.jumpToDate')}
        </MenuItem>
        <MenuItem
          icon={<ListChecks {...icon} />}
          onClick={() => startSelection(ui.work, conversationId, null)}
          testId={testIds.selectMessages}
        >
          {text('message.selectMessages')}
        </MenuItem>
      </ButtonMenu>
    </header>
  );
}

/** Who types; else how many are in the group, or when the other was here last. */
function Subtitle({ conversation }: { conversation: ConversationView }) {
  const text = useText();
  const typing = useTypingWords(conversation);
  if (typing !== null) {
    return (
      <p className={styles.typing} data-testid={testIds.typingLine}>
        {typing}
      </p>
    );
  }
  if (conversation.group) return <p>{text('message.members', { count: conversation.group.memberCount })}</p>;
  return conversation.peer ? (
    <Presence userId={conversation.peer.userId} username={conversation.peer.username} />
  ) : null;
}

const nobody: readonly string[] = [];
const longestTyping = 24;

function useTypingWords({ conversationId, kind }: ConversationView): string | null {
  const text = useText();
  const names = useLive((state) => state.typing.get(conversationId) ?? nobody);
  const [first, second] = names.map((name) => oneLine(name, longestTyping));
  if (first === undefined) return null;
  if (kind === 'direct') return text('message.typing');
  if (second === undefined) return text('message.typingOne', { name: first });
  // Two long names would leave no room for what they do.
  if (names.length === 2 && first.length + second.length <= longestTyping) {
    return text('message.typingTwo', { first, second });
  }
  return text('message.typingMany', { count: names.length });
}

function Presence({ userId, username }: { userId: string; username: string }) {
  const ui = useUi();
  const intl = useIntl();
  const text = useText();
  const known = useLive((state) => state.presence.get(userId));
  const now = useNow(minuteMs, known?.state === 'offline');
  useEffect(() => ui.presence.watch([userId]), [ui, userId]);

  if (known?.state === 'online') {
    return (
      <p className={styles.online} data-testid={testIds.presenceLine} data-state="online">
        <span aria-hidden="true" />
        {text('message.online')}
      </p>
    );
  }
  if (known?.state !== 'offline' || known.lastSeenMs === 0) return <p>@{username}</p>;
  const minutes = Math.max(0, Math.floor((now - known.lastSeenMs) / minuteMs));
  const days = dayNumber(now) - dayNumber(known.lastSeenMs);
  const time = clockTime(intl, known.lastSeenMs);
  const when =
    minutes < 60
      ? text('message.lastSeenMinutes', { count: minutes })
      : days === 0
        ? text('message.lastSeenToday', { time })
        : days === 1
          ? text('message.lastSeenYesterday', { time })
          : listTime(intl, text, known.lastSeenMs, now);
  return (
    <p data-testid={testIds.presenceLine} data-state="offline">
      {text('message.lastSeen', { when })}
    </p>
  );
}
