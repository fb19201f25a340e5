// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { fixtureNow } from '../fixture/fixture-data.ts';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi } from '../testing/render-ui.tsx';
import { ConnectionBar } from './connection-bar.tsx';

afterEach(cleanup);

function draw() {
  const kit = createTestUi();
  renderUi(kit.ui, <ConnectionBar />);
  const bar = () => screen.queryByTestId(testIds.connectionBar);
  const enter = (connection: ReturnType<typeof kit.ui.app.getState>['connection']) =>
    act(() => kit.ui.app.setState({ connection }));
  const wait = (ms: number) => act(() => kit.time.advance(ms));
  return { ...kit, bar, enter, wait };
}

test('a short interruption is not shown', () => {
  const { bar, enter, wait } = draw();
  enter({ state: 'connecting' });
  wait(1000);
  enter({ state: 'online' });
  wait(5000);
  expect(bar()).toBeNull();
});

test('one that changes its kind is still one interruption', () => {
  const { bar, enter, wait } = draw();
  enter({ state: 'connecting' });
  wait(1000);
  enter({ state: 'syncing' });
  wait(600);
  expect(bar()?.dataset.state).toBe('syncing');
});

test('offline counts down and can be retried', () => {
  const { engine, bar, enter, wait } = draw();
  enter({ state: 'offline', retryAtMs: fixtureNow + 8000, reason: 'network' });
  wait(1500);
  expect(bar()?.textContent).toContain('No connection');
  expect(bar()?.textContent).toMatch(/trying again in [67] s/);
  wait(3000);
  expect(bar()?.textContent).toMatch(/trying again in [34] s/);
  fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
  expect(engine.calls.at(-1)?.command).toBe('connection.retry');
});

describe('an ended session', () => {
  test('is shown at once, with the way back', () => {
    const { ui, bar, enter } = draw();
    enter({ state: 'ended', reason: 'logged-out' });
    expect(bar()?.textContent).toContain('You were logged out');
    fireEvent.click(screen.getByRole('button', { name: 'Log in again' }));
    expect(ui.app.getState().loggingInAgain).toBe(true);
  });

  test('by an old version offers no log-in', () => {
    const { bar, enter } = draw();
    enter({ state: 'ended', reason: 'upgrade' });
    expect(bar()?.textContent).toContain('update');
    expect(screen.queryByRole('button')).toBeNull();
  });
});
