import { CloseCode, Command, type Frame, loginRequest } from '@fastim/protocol';
import { reject, type UplinkContext, type UplinkStep } from './uplink-step.ts';

/**
 * Whether an LSB sent this client here. Of all that goes through the gate, the ticket of a LOGIN is the one thing it reads.
 * A ticket that is shown has to be good. None has to be shown where they are "preferred", unless so many come at once
 * that those who were sent go first. Whose ticket it is, `Connection.bind` compares. A connection shows its ticket once: a
 * LOGIN that was refused for another reason may be said again.
 */
export const loginStep: UplinkStep = {
  name: 'login',
  take(context, connection, frame) {
    const { tickets } = context;
    if (frame.cmd !== Command.login || !tickets || connection.isExpected) return 'next';
    const ticket = ticketIn(frame);
    if (ticket === '' && !isNeeded(context)) return 'next';
    const verdict = ticket === '' ? missing : tickets.check(ticket);
    if (verdict.good) {
      connection.expect(verdict.userId);
      return 'next';
    }
    const why = `ticket ${verdict.why}`;
    reject(context, connection, frame, 'TICKET_INVALID', 'ticket', why);
    // Coming without one is no attack.
    if (ticket === '') connection.close(CloseCode.ticketInvalid, why);
    else connection.refuseTicket(why);
    return 'done';
  },
};

const missing = { good: false, why: 'missing' } as const;

function isNeeded({ config, isCrowded }: UplinkContext): boolean {
  return config.tickets === 'required' || isCrowded?.() === true;
}

/** Of a LOGIN that cannot be read: none. Logic says what is wrong with it, if it gets there. */
function ticketIn(frame: Frame): string {
  try {
    return loginRequest.decode(frame.data).gateTicket;
  } catch {
    return '';
  }
}
