/** Of this program and of its API, which are released together. */
export const SERVICE_VERSION = "0.1.0";
