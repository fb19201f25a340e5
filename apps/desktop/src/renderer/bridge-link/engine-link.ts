import type {
  BridgeEventName,
  BridgeEvents,
  CommandName,
  CommandParams,
  CommandResult,
} from '../../bridge/contract.ts';
import type { BridgeState } from '../../bridge/reconnecting-bridge.ts';

/** What the state and the screens see of the engine: the reconnecting bridge, or the gallery's stand-in. */
export interface EngineLink {
  /** Rejects with a `reason` of the error catalogue; UNAVAILABLE while the engine cannot be reached. */
  call<N extends CommandName>(command: N, params: CommandParams<N>): Promise<CommandResult<N>>;
  /** The subscription outlives reconnects. */
  on<E extends BridgeEventName>(event: E, listener: (payload: BridgeEvents[E]) => void): () => void;
  /** Called with the present state at once, and at every change. After each 'open' everything is read anew. */
  onState(listener: (state: BridgeState) => void): () => void;
  /** Tries now, if the engine is lost or refused. */
  retry(): void;
}
