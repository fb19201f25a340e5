import { useCallback } from 'react';
import { useIntl } from 'react-intl';
import type { MessageId } from './messages-en.ts';

export type Text = (id: MessageId, values?: Record<string, string | number>) => string;

/** Words by id, in the language of the page. */
export function useText(): Text {
  const intl = useIntl();
  return useCallback((id, values) => intl.formatMessage({ id }, values), [intl]);
}
