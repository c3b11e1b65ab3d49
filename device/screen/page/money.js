// Amounts in the reader's habit, for both pages.
"use strict";

// money gives the parts of an amount in the reader's habit. The digits are those of the decimal string; if the
// browser's formatting doesn't have exactly them, the plain string is shown.
function money(decimal, currency, lang) {
  const plain = [{ type: "integer", value: decimal }, { type: "literal", value: "\u00a0" },
    { type: "currency", value: currency }];
  if (!/^\d+(\.\d+)?$/.test(decimal)) return plain;
  const digits = (decimal.split(".")[1] ?? "").length;
  try {
    const parts = new Intl.NumberFormat(lang, { style: "currency", currency, numberingSystem: "latn",
      minimumFractionDigits: digits, maximumFractionDigits: digits }).formatToParts(decimal);
    const kept = parts.filter((p) => p.type === "integer" || p.type === "fraction").map((p) => p.value).join("");
    return kept === decimal.replace(".", "") ? parts : plain;
  } catch {
    return plain; // not a currency that the browser knows
  }
}
