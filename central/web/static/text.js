// Texts of the page's language. The catalogue is a module of its own, so that it is cached for good.
const { default: entries } = await import(document.documentElement.dataset.texts);

export const language = document.documentElement.lang;
const plurals = new Intl.PluralRules(language);

export function t(key, values) {
  const text = entries[key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return values ? text.replace(/\{(\w+)\}/g, (_, field) => String(values[field])) : text;
}

export function plural(key, n, values) {
  return t(`${key}.${plurals.select(n) === "one" ? "one" : "other"}`, { n, ...values });
}

// Kinds, pilots and labels are open sets: what has no name is shown as it came.
export function name(family, raw) {
  return entries[`${family}.${raw}`] ?? raw;
}

export function hasName(family, raw) {
  return entries[`${family}.${raw}`] !== undefined;
}
