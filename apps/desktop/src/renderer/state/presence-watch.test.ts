import { expect, test } from 'vitest';
import { createTestUi, settle } from '../testing/render-ui.tsx';

function setUp() {
  const kit = createTestUi();
  const told = () =>
    kit.engine.calls
      .filter(({ command }) => command === 'presence.watch')
      .map(({ params }) => (params as { userIds: string[] }).userIds);
  return { ...kit, told };
}

test('all parts of the page are told as one list, once they have come to rest', async () => {
  const { ui, time, told } = setUp();
  const stop = ui.presence.watch(['3', '2']);
  ui.presence.watch(['2', '5']);
  expect(told()).toEqual([]);
  time.advance(250);
  expect(told()).toEqual([['2', '3', '5']]);
  stop();
  time.advance(250);
  expect(told()).toEqual([
    ['2', '3', '5'],
    ['2', '5'],
  ]);
  await settle();
  expect(ui.live.getState().presence.get('2')?.state).toBe('online');
});

test('the same people are not told twice, unless the bridge is a new one or the last call failed', async () => {
  const { ui, engine, time, told } = setUp();
  const stop = ui.presence.watch(['2']);
  time.advance(250);
  stop();
  ui.presence.watch(['2']);
  time.advance(250);
  expect(told()).toHaveLength(1);
  ui.presence.again();
  time.advance(250);
  expect(told()).toHaveLength(2);
  engine.failing.set('presence.watch', { reason: 'UNAVAILABLE' });
  ui.presence.watch(['3']);
  time.advance(250);
  await settle();
  engine.failing.clear();
  ui.presence.watch(['3']);
  time.advance(250);
  expect(told()).toHaveLength(4);
});

test('never more than one call takes', () => {
  const { ui, time, told } = setUp();
  ui.presence.watch(Array.from({ length: 300 }, (_, index) => String(index + 1)));
  time.advance(250);
  expect(told()[0]).toHaveLength(100);
});
