/** Of what is spoken on inner links. Raised with any change of it: nodes of two versions refuse each other. */
export const CLUSTER_VERSION = 1;
