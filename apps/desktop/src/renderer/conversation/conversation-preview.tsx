import { useIntl } from 'react-intl';
import type { ConversationView, PreviewView } from '../../bridge/contract.ts';
import { noticeWords } from '../i18n/notice-words.ts';
import { type Text, useText } from '../i18n/use-text.ts';
import { useApp, useLive } from '../state/ui-context.tsx';
import styles from './conversation-item.module.css';
import { oneLine } from './safe-text.ts';

/** The second line of a row: who types, else my draft, else the newest message. */
export function ConversationPreview({ conversation, open }: { conversation: ConversationView; open: boolean }) {
  const intl = useIntl();
  const text = useText();
  const me = useApp((state) => state.account?.user.userId ?? '');
  const typing = useLive((state) => state.typing.get(conversation.conversationId));
  const { preview } = conversation;
  if (typing) {
    return <span className={styles.typing}>{typingWords(text, conversation, typing)}</span>;
  }
  // While it is open, the draft is in sight already.
  const draft = open ? '' : oneLine(conversation.draft);
  if (draft !== '') {
    return (
      <>
        <span className={styles.draft}>{text('chats.draft')}</span> <bdi>{draft}</bdi>
      </>
    );
  }
  if (preview === null) return text('chats.noPreview');
  if (preview.notice) return <bdi>{noticeWords(intl, text, preview.notice, me, preview.timeMs)}</bdi>;
  if (preview.recalled) return <i>{recalledWords(text, preview)}</i>;
  return <bdi>{previewWords(text, preview)}</bdi>;
}

function typingWords(text: Text, { kind }: ConversationView, names: readonly string[]): string {
  if (kind === 'direct') return text('list.typing');
  const [first = ''] = names;
  return names.length === 1
    ? text('list.typingOne', { name: shortName(first) })
    : text('list.typingMany', { name: shortName(first), count: names.length - 1 });
}

function recalledWords(text: Text, { mine, senderName }: PreviewView): string {
  if (mine) return text('list.recalledMine');
  return senderName === '' ? text('list.recalled') : text('list.recalledBy', { name: shortName(senderName) });
}

function previewWords(text: Text, preview: PreviewView): string {
  const words = preview.kind === 'unsupported' ? '' : oneLine(preview.text);
  const shown = words || text('chats.unsupported');
  if (preview.mine) return text('chats.you', { text: shown });
  return preview.senderName === '' ? shown : text('list.from', { name: shortName(preview.senderName), text: shown });
}

/** A long name leaves room for what was said. */
function shortName(name: string): string {
  const whole = oneLine(name, 64);
  return whole.length > 20 ? `${whole.slice(0, 18).trimEnd()}…` : whole;
}
