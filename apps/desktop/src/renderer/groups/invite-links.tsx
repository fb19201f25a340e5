import { Check, Copy, Trash2 } from 'lucide-react';
import { useCallback, useEffect, useId, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import type { GroupLinkView } from '../../bridge/contract.ts';
import { dayMs, hourMs } from '../conversation/conversation-settings.ts';
import { Button, IconButton, Spinner } from '../design/controls.tsx';
import { Confirm, Problem, type Question } from '../design/dialog.tsx';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { type Text, useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './group-panel.module.css';
import linkStyles from './invite-links.module.css';
import { PanelHead } from './panel-head.tsx';
import { useAttempt } from './use-group-change.ts';

/** 0: never. */
const lives = [hourMs, dayMs, 7 * dayMs, 30 * dayMs, 0] as const;
/** 0: no limit. */
const limits = [0, 1, 5, 10, 25, 50, 100] as const;

export function InviteLinks(props: { conversationId: string; onBack(): void; onClose(): void }) {
  const { conversationId, onBack, onClose } = props;
  const ui = useUi();
  const text = useText();
  const [links, setLinks] = useState<readonly GroupLinkView[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);

  const load = useCallback((): void => {
    setFailed(null);
    ui.link.call('groups.links', { conversationId }).then(setLinks, (error: unknown) => {
      setFailed(failureOf(error).reason);
    });
  }, [ui, conversationId]);

  useEffect(load, [load]);

  const revoke = (link: GroupLinkView): void =>
    setQuestion({
      title: text('group.revokeTitle'),
      text: text('group.revokeText'),
      action: text('group.revoke'),
      danger: true,
      run: async () => {
        await ui.link.call('groups.revokeLink', { conversationId, token: link.token });
        setLinks((before) => (before ?? []).filter((one) => one.token !== link.token));
      },
    });

  return (
    <>
      <PanelHead title={text('group.links')} onBack={onBack} onClose={onClose} />
      <div className={styles.scroller}>
        <MakeLink
          conversationId={conversationId}
          onMade={(made) => setLinks((before) => [made, ...(before ?? []).filter((one) => one.token !== made.token)])}
        />
        {failed !== null ? (
          <div className={linkStyles.note}>
            <Problem>{errorWords(text, failed)}</Problem>
            <Button kind="quiet" onClick={load}>
              {text('app.retry')}
            </Button>
          </div>
        ) : links === null ? (
          <div className={linkStyles.note}>
            <Spinner />
          </div>
        ) : links.length === 0 ? (
          <p className={linkStyles.note}>{text('group.noLinks')}</p>
        ) : (
          <ul className={linkStyles.list}>
            {links.map((link) => (
              <LinkRow key={link.token} link={link} onRevoke={revoke} />
            ))}
          </ul>
        )}
      </div>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  );
}

function MakeLink({ conversationId, onMade }: { conversationId: string; onMade(link: GroupLinkView): void }) {
  const ui = useUi();
  const text = useText();
  const [life, setLife] = useState<number>(7 * dayMs);
  const [uses, setUses] = useState<number>(0);
  const attempt = useAttempt();
  const lifeId = useId();
  const usesId = useId();

  const make = (): void =>
    void attempt.run(async () => {
      const expiresMs = life === 0 ? 0 : ui.surroundings.now() + life;
      onMade(await ui.link.call('groups.makeLink', { conversationId, expiresMs, maxUses: uses }));
    });

  return (
    <div className={linkStyles.make}>
      <div className={linkStyles.fields}>
        <label htmlFor={lifeId}>{text('group.linkLife')}</label>
        <select
          id={lifeId}
          value={life}
          onChange={(event) => setLife(Number(event.target.value))}
          data-testid={testIds.linkExpiry}
        >
          {lives.map((ms) => (
            <option key={ms} value={ms}>
              {lifeWords(text, ms)}
            </option>
          ))}
        </select>
        <label htmlFor={usesId}>{text('group.linkUses')}</label>
        <select
          id={usesId}
          value={uses}
          onChange={(event) => setUses(Number(event.target.value))}
          data-testid={testIds.linkUses}
        >
          {limits.map((most) => (
            <option key={most} value={most}>
              {most === 0 ? text('group.noLimit') : text('group.times', { count: most })}
            </option>
          ))}
        </select>
      </div>
      <Button disabled={attempt.busy} onClick={make} data-testid={testIds.makeLink}>
        {attempt.busy ? <Spinner /> : null}
        {text('group.makeLink')}
      </Button>
      {attempt.problem === null ? null : <Problem>{attempt.problem}</Problem>}
    </div>
  );
}

function lifeWords(text: Text, ms: number): string {
  if (ms === 0) return text('group.linkNever');
  return ms < dayMs ? text('group.hours', { count: ms / hourMs }) : text('group.days', { count: ms / dayMs });
}

function LinkRow({ link, onRevoke }: { link: GroupLinkView; onRevoke(link: GroupLinkView): void }) {
  const intl = useIntl();
  const text = useText();
  const now = useNow(60 * 1000);
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(link.url);
    } catch {
      // Forbidden to the page: the address stands there to be selected.
      return;
    }
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 2000);
  };

  const expired = link.expiresMs > 0 && link.expiresMs <= now;
  const usedUp = link.maxUses > 0 && link.uses >= link.maxUses;
  const uses =
    link.maxUses === 0
      ? text('group.usesUnlimited', { uses: link.uses })
      : text('group.usesOf', { uses: link.uses, most: link.maxUses });
  const until = expired
    ? text('group.linkExpired')
    : link.expiresMs === 0
      ? text('group.linkForever')
      : text('group.linkUntil', {
          time: intl.formatDate(link.expiresMs, {
            month: 'short',
            day: 'numeric',
            hour: '2-digit',
            minute: '2-digit',
            hourCycle: 'h23',
          }),
        });
  return (
    <li className={linkStyles.row} data-testid={testIds.linkRow} data-url={link.url}>
      <div className={linkStyles.words}>
        <span className={linkStyles.url}>{link.url.replace(/^https?:\/\//, '')}</span>
        <span className={expired || usedUp ? linkStyles.over : linkStyles.facts}>
          {uses} · {until}
        </span>
        <span className={linkStyles.facts}>{text('group.linkBy', { name: link.creatorName.slice(0, 64) })}</span>
      </div>
      <IconButton
        label={text(copied ? 'group.copied' : 'group.copyLink')}
        onClick={() => void copy()}
        data-testid={testIds.copyLink}
      >
        {copied ? <Check size={18} aria-hidden="true" /> : <Copy size={18} aria-hidden="true" />}
      </IconButton>
      <IconButton label={text('group.revoke')} onClick={() => onRevoke(link)} data-testid={testIds.revokeLink}>
        <Trash2 size={18} aria-hidden="true" />
      </IconButton>
      <span className="visually-hidden" role="status">
        {copied ? text('group.copied') : ''}
      </span>
    </li>
  );
}
