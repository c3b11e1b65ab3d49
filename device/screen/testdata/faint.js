// Lists texts whose contrast with their ground is too low (WCAG 2.2: 1.4.3 AA, and 1.4.6 AAA for the amount).
// While the light plays the amount, which stood there before, is ink on its colour: AAA for large text.
(() => {
  const bad = [];
  const amount = document.documentElement.hasAttribute("data-light") ? 4.5 : 7;
  const parse = (c) => (c.match(/[\d.]+/g) ?? []).map(Number);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (n) => {
    for (; n; n = n.parentElement) {
      const c = parse(getComputedStyle(n).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  for (const n of document.querySelectorAll("h1, h2, p, b, span, th, td, small, a, button")) {
    const own = [...n.childNodes].some((c) => c.nodeType === Node.TEXT_NODE && c.textContent.trim());
    if (!own || !n.checkVisibility()) continue;
    const a = luminance(parse(getComputedStyle(n).color)), b = luminance(ground(n));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (n.closest(".amount") ? amount : 4.5)) bad.push(`contrast ${ratio.toFixed(2)}: ${n.textContent}`);
  }
  return bad;
})()
