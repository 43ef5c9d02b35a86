/** The marks of a matrix: X for a relation as it is, a letter for each of its properties. */
import type { Plain } from "./check.ts";

/** What is needed of a relation's property. */
export interface MarkedProperty {
  readonly key: string;
  readonly title: string;
  readonly type: string;
  readonly choices: readonly string[];
}

/** A letter, the property it stands for and the value that it gives it; `words` says so. */
export interface Letter {
  readonly letter: string;
  readonly key: string;
  readonly value: Plain;
  readonly words: string;
}

export const PLAIN_MARK = "X";

/** Returns a letter for each property that is yes or no, and for each choice of one; what has no free letter has none. */
export const lettersOf = (properties: readonly MarkedProperty[]): readonly Letter[] => {
  const used = new Set([PLAIN_MARK]);
  const found: Letter[] = [];
  const add = (words: string, key: string, value: Plain): void => {
    const letter = [...words.toUpperCase()].find((one) => /\p{L}|\p{N}/u.test(one) && !used.has(one));
    if (letter === undefined) return;
    used.add(letter);
    found.push({ letter, key, value, words });
  };
  for (const { key, title, type, choices } of properties)
    if (type === "bool") add(title, key, true);
    else if (type === "choice") for (const choice of choices) add(choice, key, choice);
  return found;
};

/** Returns the mark of a relation with these properties. */
export const markOf = (values: { readonly [key: string]: Plain }, letters: readonly Letter[]): string =>
  letters
    .filter((one) => values[one.key] === one.value)
    .map((one) => one.letter)
    .join("") || PLAIN_MARK;

/**
 * Returns the properties that a typed mark gives, by key, with null for those it takes away; null where the mark is
 * empty. Signs that stand for nothing make the relation as it is.
 */
export const propertiesOf = (
  typed: string,
  letters: readonly Letter[],
): { readonly [key: string]: Plain } | null => {
  const signs = [...typed.trim().toUpperCase()];
  if (signs.length === 0) return null;
  const made: { [key: string]: Plain } = Object.fromEntries(letters.map((one) => [one.key, null]));
  for (const one of letters) if (signs.includes(one.letter)) made[one.key] = one.value;
  return made;
};

/** Returns only what has a value: a new relation has nothing to take away. */
export const given = (values: { readonly [key: string]: Plain }): { readonly [key: string]: Plain } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
