/** One way for queries to come in. */
export interface Transport {
  /** @throws the system's error (address in use, no permission, ...) */
  listen(): Promise<void>;
  close(): Promise<void>;
}
