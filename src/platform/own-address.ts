/** Under which URL the outside reaches the API: what is configured, else where it listens, known once it does. */
export interface OwnAddress {
  url(): string;
  /** What the server has found out of itself. */
  learn(url: string): void;
}

export function createOwnAddress(publicApiUrl: string | null): OwnAddress {
  let own = 'http://localhost';
  return {
    url: () => publicApiUrl ?? own,
    learn(url) {
      own = url;
    },
  };
}
