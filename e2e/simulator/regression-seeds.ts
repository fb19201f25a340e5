/** Seeds that once were bad, by what was wrong. They stay good. */
export const regressionSeeds: ReadonlyArray<{ readonly seed: number; readonly was: string }> = [
  { seed: 3, was: 'a younger message was sent again alone, and taken before the older one whose refusal had got lost' },
  { seed: 10, was: 'the same, with a repeated key' },
  { seed: 17, was: 'messages that were stored although their sender had been refused held up what came behind them' },
  { seed: 178, was: 'the same, behind a recall' },
  { seed: 35, was: 'a clock that jumped made a node give up waiting for a refused message: the younger one was first' },
  { seed: 56, was: 'unread was wrong where the message that had been read up to was not on the device' },
  { seed: 223, was: 'a send asked for again while its ack was being stored went out a second time, and its tick fell' },
  { seed: 360, was: 'a heartbeat named the same known conversations again and again, and never the unknown one' },
  { seed: 564, was: 'what was deleted for me on another device was not asked for again after a refusal' },
  {
    seed: 1133,
    was: 'a refusal that did not fit on the disk was forgotten, and the message stayed on its way for ever',
  },
  { seed: 2054, was: 'a draft from another device was lost with the answer to another setting' },
  { seed: 16534, was: 'what was deleted for me while the device was asking stayed' },
  { seed: 9730, was: 'a send whose final refusal got lost came in again after the sender was let in again' },
  { seed: 20739, was: 'a draft that came in the moment its conversation was left did not show' },
  { seed: 11, was: 'who had left a group was told of reactions that came later' },
];
