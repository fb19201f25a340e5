// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { testIds } from '../test-ids.ts';
import { createTestUi, renderUi, settle } from '../testing/render-ui.tsx';
import { Devices } from './devices.tsx';
import { Privacy } from './privacy.tsx';

afterEach(cleanup);

async function draw(element = <Devices />) {
  const kit = createTestUi();
  kit.connect();
  await settle();
  renderUi(kit.ui, element);
  await act(settle);
  const ended = () =>
    kit.engine.calls
      .filter(({ command }) => command === 'devices.end')
      .map(({ params }) => (params as { sessionId: string }).sessionId);
  return { ...kit, ended };
}

const rows = () => screen.getAllByTestId(testIds.deviceRow);
const press = (testId: string, nth = 0) =>
  act(async () => {
    fireEvent.click(screen.getAllByTestId(testId)[nth]!);
    await settle();
  });

describe('devices', () => {
  test('this one comes first and cannot be logged out here; the others say when they were last seen', async () => {
    const { engine } = await draw();
    expect(rows()).toHaveLength(engine.data.devices.length);
    expect(rows()[0]?.dataset.current).toBe('true');
    expect(rows()[0]?.textContent).toContain('This device');
    expect(screen.getAllByTestId(testIds.endDevice)).toHaveLength(rows().length - 1);
    expect(rows().at(-1)?.textContent).toContain('Last seen');
  });

  test('logging one out asks first, then it is gone at once', async () => {
    const { ended } = await draw();
    const { sessionId } = rows()[1]!.dataset;
    const before = rows().length;
    await press(testIds.endDevice);
    expect(ended()).toEqual([]);
    await press(testIds.confirm);
    await act(settle);
    expect(ended()).toEqual([sessionId]);
    expect(rows()).toHaveLength(before - 1);
    expect(rows().map((row) => row.dataset.sessionId)).not.toContain(sessionId);
  });

  test('all others can be logged out together, and one that is gone already is no failure', async () => {
    const { engine, ended } = await draw();
    const others = engine.data.devices.filter(({ current }) => !current).map(({ sessionId }) => sessionId);
    const call = engine.call.bind(engine);
    engine.call = (command, params) => {
      const answer = call(command, params);
      if (command !== 'devices.end') return answer;
      return answer.then(() => Promise.reject(Object.assign(new Error('gone'), { reason: 'NOT_FOUND' })));
    };
    await press(testIds.endOtherDevices);
    expect(screen.getByRole('alertdialog').textContent).toContain(`${others.length} devices are logged out`);
    await press(testIds.confirm);
    await act(settle);
    expect(ended().toSorted()).toEqual(others.toSorted());
    expect(rows()).toHaveLength(1);
    expect(screen.getByText('You are logged in nowhere else.')).toBeTruthy();
  });

  test('a failure is said in the question, and the device stays', async () => {
    const { engine } = await draw();
    const before = rows().length;
    engine.failing.set('devices.end', { reason: 'UNAVAILABLE' });
    await press(testIds.endDevice);
    await press(testIds.confirm);
    await act(settle);
    expect(screen.getByRole('alert').textContent).toBe('The server cannot be reached.');
    expect(rows()).toHaveLength(before);
  });

  test('another device that logs in appears without being asked for', async () => {
    const { engine, time } = await draw();
    const [first] = engine.data.devices;
    engine.data.devices = [...engine.data.devices, { ...first!, sessionId: '99', current: false }];
    await act(async () => {
      time.advance(31_000);
      await settle();
    });
    expect(rows().map((row) => row.dataset.sessionId)).toContain('99');
  });

  test('without the server it says so and can be tried again', async () => {
    const kit = createTestUi();
    kit.connect();
    await settle();
    kit.engine.failing.set('devices.list', { reason: 'UNAVAILABLE' });
    renderUi(kit.ui, <Devices />);
    await act(settle);
    expect(screen.getByRole('alert').textContent).toContain('The server cannot be reached.');
    kit.engine.failing.clear();
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
      await settle();
    });
    expect(rows().length).toBeGreaterThan(1);
  });
});

describe('whether others see that I am online', () => {
  const shown = () => screen.getByTestId(testIds.showOnline) as HTMLInputElement;

  test('is what the server has, with the price of hiding it, and what is known of others is asked for anew', async () => {
    const { engine, ui, time } = await draw(<Privacy />);
    ui.presence.watch(['2']);
    time.advance(250);
    expect(shown().checked).toBe(engine.data.privacy.showOnline);
    expect(screen.getByText(/you do not see theirs either/)).toBeTruthy();
    await press(testIds.showOnline);
    expect(engine.data.privacy.showOnline).toBe(false);
    expect(shown().checked).toBe(false);
    time.advance(250);
    expect(engine.calls.filter(({ command }) => command === 'presence.watch')).toHaveLength(2);
  });

  test('does not move when it could not be stored', async () => {
    const { engine } = await draw(<Privacy />);
    engine.failing.set('privacy.set', { reason: 'TIMEOUT' });
    await press(testIds.showOnline);
    expect(shown().checked).toBe(true);
    expect(screen.getByRole('alert').textContent).toContain('could not be saved');
  });
});
