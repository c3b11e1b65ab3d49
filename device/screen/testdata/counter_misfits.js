// Lists what on the counter's page is cut off, broken, outside the window, or too small for a finger. The list and the notes may
// be scrolled; the keys and what ends a payment may not have to be.
(() => {
  const bad = [], W = innerWidth, H = innerHeight;
  const dialog = document.querySelector("dialog[open]");
  const wide = document.scrollingElement.scrollWidth;
  if (wide > W) bad.push(`page is ${wide} wide`);
  for (const n of document.querySelectorAll("h1, h2, p, svg, li, button, .keys, dialog")) {
    if (!n.checkVisibility() || dialog && !dialog.contains(n) || getComputedStyle(n).clipPath !== "none") continue;
    const what = `${n.className.baseVal ?? n.className} ${n.tagName} ${n.textContent.trim().slice(0, 40)}`;
    const r = n.getBoundingClientRect(), scrolls = n.closest("ul, .note, .day, .sheet");
    if (r.width === 0) continue;
    if (r.left < -0.5 || r.right > W + 0.5) bad.push(`outside: ${what} ${[r.left, r.right].map(Math.round)}`);
    if (!scrolls && (r.top < -0.5 || r.bottom > H + 0.5)) bad.push(`above or below: ${what} ${[r.top, r.bottom].map(Math.round)}`);
    if (n.tagName === "BUTTON" && Math.min(r.width, r.height) < 47.5) bad.push(`too small for a finger: ${what} ${r.width}x${r.height}`);
    const cuts = getComputedStyle(n).textOverflow === "ellipsis";
    if (!cuts && n.clientWidth && n.scrollWidth > n.clientWidth + 1) bad.push(`wider than its box: ${what}`);
    if (n.tagName === "BUTTON" && n.scrollHeight > n.clientHeight + 1) bad.push(`higher than its box: ${what}`);
    // What covers its middle is in it, or around it.
    const x = r.x + r.width / 2, y = r.y + r.height / 2, top = !scrolls && n.tagName === "BUTTON" && document.elementFromPoint(x, y);
    if (top && !n.contains(top) && !top.contains(n)) bad.push(`covered: ${what} by ${top.className} ${top.tagName}`);
  }
  // A sum that is broken is read as two.
  for (const n of document.querySelectorAll("dd")) {
    if (!n.checkVisibility() || !/^[^A-Za-z]*\d[\d.,]{3,}[^A-Za-z]*$/.test(n.textContent)) continue;
    const text = document.createRange();
    text.selectNodeContents(n);
    if (new Set([...text.getClientRects()].map((r) => Math.round(r.top))).size > 1) bad.push(`broken: ${n.textContent}`);
  }
  return bad;
})()
