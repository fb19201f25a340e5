/** Draws a part of the app on the stand-in engine, with a clock that the test moves. */
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { IntlProvider } from 'react-intl';
import { FakeEngine } from '../fixture/fake-engine.ts';
import { fixtureData, fixtureNow } from '../fixture/fixture-data.ts';
import { catalogues, type Language } from '../i18n/language.ts';
import { connectUi } from '../state/connect-ui.ts';
import { createUi, type Ui } from '../state/ui.ts';
import { UiProvider } from '../state/ui-context.tsx';

/** A clock and scheduler that stand still until `advance`. */
export function createTestTime(startMs = fixtureNow) {
  let now = startMs;
  let nextId = 1;
  const timers = new Map<number, { atMs: number; action: () => void }>();
  return {
    now: () => now,
    schedule(action: () => void, ms: number) {
      const id = nextId++;
      timers.set(id, { atMs: now + ms, action });
      return () => {
        timers.delete(id);
      };
    },
    advance(ms: number) {
      const until = now + ms;
      for (;;) {
        const due = [...timers].filter(([, { atMs }]) => atMs <= until).sort((a, b) => a[1].atMs - b[1].atMs)[0];
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].atMs);
        due[1].action();
      }
      now = until;
    },
  };
}

export function createTestUi(patch: Parameters<typeof fixtureData>[1] = {}) {
  const time = createTestTime();
  const engine = new FakeEngine(fixtureData({}, patch), time.now);
  const watching = { value: true };
  const surroundings = { now: time.now, schedule: time.schedule, watched: () => watching.value };
  const ui = createUi(engine, surroundings, engine.data.app.settings);
  return { ui, engine, time, watching, connect: () => connectUi(ui) };
}

export function renderUi(ui: Ui, element: ReactNode, language: Language = 'en') {
  return render(
    <UiProvider ui={ui}>
      <IntlProvider locale={language} messages={{ ...catalogues[language] }}>
        {element}
      </IntlProvider>
    </UiProvider>,
  );
}

/** Lets answers of the stand-in engine arrive. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
