/** Returns a text with case and accents folded. */
const folded = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether every word that was typed begins a word of a text. */
export const hasWords = (text: string, typed: string): boolean => {
  const here = folded(text).split(/[^\p{L}\p{N}]+/u);
  return folded(typed)
    .split(/[^\p{L}\p{N}]+/u)
    .every((word) => here.some((one) => one.startsWith(word)));
};
