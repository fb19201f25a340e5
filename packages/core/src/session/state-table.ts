/** A state machine as data: state → event → next state. What is not in the table does not happen. */
export type StateTable<State extends string, Event extends string> = {
  readonly [S in State]: Partial<Record<Event, State>>;
};

/** The next state, or undefined when the event has no meaning in this state (and is dropped). */
export function nextState<State extends string, Event extends string>(
  table: StateTable<State, Event>,
  state: State,
  event: Event,
): State | undefined {
  return table[state][event];
}
