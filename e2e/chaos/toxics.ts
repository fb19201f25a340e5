/** What can be wrong with a connection while its two ends live. Times in ms. */
export type Toxic =
  /** Bytes come later, each chunk by another time, in order. */
  | { readonly kind: 'latency'; readonly ms: number; readonly jitterMs: number }
  /** The first `bytes` of every chunk are written one by one. */
  | { readonly kind: 'slice'; readonly bytes: number }
  /** Takes everything, forwards nothing, says nothing: neither bytes nor the end. */
  | { readonly kind: 'drop' }
  /** Open, and never read again: the sender's buffers fill. */
  | { readonly kind: 'half-open' }
  /** Each connection is torn down (RST) once a byte of it comes. */
  | { readonly kind: 'reset' }
  /** Who closes waits so long until the other end hears of it. */
  | { readonly kind: 'slow-close'; readonly ms: number };

export type ToxicKind = Toxic['kind'];
