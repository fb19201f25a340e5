/** The first byte of every packet. */
export const PacketType = {
  // Handshake
  hello: 1,
  challenge: 2,
  proof: 3,
  welcome: 4,
  refusal: 5,
  // Every link
  ping: 8,
  pong: 9,
  goodbye: 10,
  // Gate to logic: LogicPort
  time: 16,
  known: 17,
  uplink: 18,
  connectionClosed: 19,
  interestStale: 20,
  interested: 21,
  // Logic to gate: GatePort
  leaving: 32,
  bind: 33,
  downlink: 34,
  follow: 35,
  view: 36,
  confirm: 37,
  group: 38,
  signal: 39,
  close: 40,
  // Logic to logic
  append: 48,
  appended: 49,
  rejected: 50,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];
