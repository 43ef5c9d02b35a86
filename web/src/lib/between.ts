/** Numbers between numbers, as a stage manager gives them: 47.5 between 47 and 48, 47.25 between 47 and 47.5. */

const PLAIN = /^([0-9]+)(?:\.([0-9]+))?$/;
const DIGITS_MAX = 6;

/**
 * Returns a number behind one and before the next, with as few digits as may be; the next whole number where nothing
 * follows. Null where the numbers are of another kind or leave no room.
 */
export const between = (before: string, after: string | null): string | null => {
  const low = read(before);
  if (low === null) return null;
  const high = after === null ? null : read(after);
  if (after !== null && high === null) return null;
  if (high === null) return String(Math.floor(low) + 1);
  if (high <= low) return null;
  for (let digits = 0; digits <= DIGITS_MAX; digits++) {
    const middle = Number(((low + high) / 2).toFixed(digits));
    if (middle > low && middle < high) return String(middle);
  }
  return null;
};

const read = (text: string): number | null => (PLAIN.test(text) ? Number(text) : null);
