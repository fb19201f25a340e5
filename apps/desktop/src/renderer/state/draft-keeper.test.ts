import { expect, test } from 'vitest';
import { createTestUi, settle } from '../testing/render-ui.tsx';
import { sendMessage } from './send-message.ts';

function saved(engine: ReturnType<typeof createTestUi>['engine']) {
  return engine.calls.filter((call) => call.command === 'drafts.set').map((call) => call.params);
}

test('a draft is saved 300 ms after the last key, once', () => {
  const { ui, engine, time } = createTestUi();
  ui.drafts.changed('101', 'H');
  time.advance(200);
  ui.drafts.changed('101', 'He');
  time.advance(299);
  expect(saved(engine)).toEqual([]);
  time.advance(1);
  expect(saved(engine)).toEqual([{ conversationId: '101', text: 'He' }]);
});

test('a flush saves at once, each conversation with its own text', () => {
  const { ui, engine } = createTestUi();
  ui.drafts.changed('101', 'one');
  ui.drafts.changed('102', 'two');
  ui.drafts.flush();
  ui.drafts.flush();
  expect(saved(engine)).toEqual([
    { conversationId: '101', text: 'one' },
    { conversationId: '102', text: 'two' },
  ]);
});

test('what could not be saved goes with the next flush, if nothing newer came', async () => {
  const { ui, engine } = createTestUi();
  engine.failing.set('drafts.set', { reason: 'UNAVAILABLE' });
  ui.drafts.changed('101', 'kept');
  ui.drafts.flush();
  await settle();
  engine.failing.clear();
  ui.drafts.flush();
  expect(saved(engine).at(-1)).toEqual({ conversationId: '101', text: 'kept' });
  expect(saved(engine)).toHaveLength(2);
});

test('a sent message leaves no draft to save', () => {
  const { ui, engine, time } = createTestUi();
  ui.drafts.changed('101', 'gone');
  ui.drafts.sent('101');
  time.advance(1000);
  ui.drafts.flush();
  expect(saved(engine)).toEqual([]);
  expect(ui.drafts.latest('101')).toBe('');
});

test('what the engine has taken is its own to tell: another window may have sent or changed the draft since', async () => {
  const { ui } = createTestUi();
  ui.drafts.changed('101', 'half a thought');
  expect(ui.drafts.latest('101')).toBe('half a thought');
  ui.drafts.flush();
  await settle();
  expect(ui.drafts.latest('101')).toBeUndefined();
  ui.drafts.changed('101', 'done');
  await sendMessage(ui, '101', 'done');
  expect(ui.drafts.latest('101')).toBeUndefined();
});

test('what was typed while an older text was on its way stays known here', async () => {
  const { ui } = createTestUi();
  ui.drafts.changed('101', 'one');
  ui.drafts.flush();
  ui.drafts.changed('101', 'one two');
  await settle();
  expect(ui.drafts.latest('101')).toBe('one two');
});
