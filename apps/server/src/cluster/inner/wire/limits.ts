/** Bounds of inner links. Bytes unless the name says otherwise. */

/** One packet, its type included; a longer one breaks the link. Memory is taken as its bytes come, not as they are promised. */
export const MAX_PACKET = 16 * 1024 * 1024;
/** The same before the other side has proved who it is. */
export const MAX_HANDSHAKE_PACKET = 4 * 1024;

/** Blobs from this size are handed to the socket as they are; smaller ones are copied between their neighbours. */
export const BY_REFERENCE_BYTES = 8 * 1024;
export const SLAB_BYTES = 64 * 1024;

/**
 * A view into a chunk keeps the whole chunk in memory. A piece this many times smaller than a large chunk is copied, so
 * that a packet that waits somewhere holds about its own size.
 */
export const COPY_RATIO = 8;
export const COPY_FROM_CHUNK_BYTES = 8 * 1024;

/** Waiting on one link: past the first the other end's clients are read no further, past the second the link is broken. */
export const CONGESTED_BYTES = 4 * 1024 * 1024;
export const OVERFLOW_BYTES = 32 * 1024 * 1024;
/** Written before the turn ends when so much has come together. */
export const EARLY_FLUSH_BYTES = 256 * 1024;

/** Connections of which the other side of a link has said who they are. */
export const MAX_KNOWN_CONNECTIONS = 2_000_000;
/** Sockets that have not proved who they are. */
export const MAX_UNPROVED = 128;
