import { vi } from 'vitest';

// A library that complains in a test has found a mistake.
vi.spyOn(console, 'error').mockImplementation((...words) => {
  throw new Error(`console.error: ${words.join(' ')}`);
});
