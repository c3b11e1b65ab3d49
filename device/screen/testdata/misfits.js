// Lists what on the customer's page is cut off, outside the window, or covered by a neighbour.
(() => {
  const bad = [], W = innerWidth, H = innerHeight;
  const visible = (s) => [...document.querySelectorAll(s)].filter((n) => n.checkVisibility());
  const cutsItself = (n) => getComputedStyle(n).textOverflow === "ellipsis";
  const wide = document.scrollingElement.scrollWidth;
  if (wide > W) bad.push(`page is ${wide} wide`);

  for (const n of visible("h1, h2, p, svg, li, button, .amount")) {
    const what = `${n.className.baseVal ?? n.className} ${n.tagName} ${n.textContent.trim().slice(0, 30)}`;
    const r = n.getBoundingClientRect();
    if (r.width === 0) continue;
    if (r.left < -0.5 || r.top < -0.5 || r.right > W + 0.5 || r.bottom > H + 0.5)
      bad.push(`outside: ${what} ${[r.left, r.top, r.right, r.bottom].map(Math.round)}`);
    if (n.tagName === "BUTTON" && Math.min(r.width, r.height) < 32) bad.push(`too small for a finger: ${what}`);
    if (!cutsItself(n) && n.clientWidth && n.scrollWidth > n.clientWidth + 1) bad.push(`wider than its box: ${what}`);
  }

  // What lies over a button takes its presses. Its middle is enough: the buttons are small.
  for (const n of visible("button")) {
    const r = n.getBoundingClientRect(), top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
    if (top && !n.contains(top)) bad.push(`covered: ${n.textContent} by ${top.className.baseVal ?? top.className} ${top.tagName}`);
  }
  const stage = visible(".stage .ring")[0]?.getBoundingClientRect(), out = visible(".without button")[0]?.getBoundingClientRect();
  if (stage && out && stage.bottom > out.top) bad.push("the ring is under the button");

  // As wide as the words, as tall as the lines (a font's own box may be taller than its line, and empty there).
  const box = (n) => {
    const range = document.createRange(), lines = n.getBoundingClientRect();
    range.selectNodeContents(n);
    const ink = cutsItself(n) ? lines : range.getBoundingClientRect();
    return new DOMRect(ink.x, lines.y, ink.width, lines.height);
  };
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > Math.min(a.height, b.height) * 0.2;
  const art = document.querySelector(".art").getBoundingClientRect();
  const texts = visible(".text p, .text h1, .text h2").filter((n) => n.textContent);
  const boxes = texts.map(box);
  boxes.forEach((a, i) => {
    if (art.width && over(a, art)) bad.push(`under the face: ${texts[i].textContent}`);
    for (let j = i + 1; j < boxes.length; j++)
      if (over(a, boxes[j])) bad.push(`overlap: ${texts[i].textContent} / ${texts[j].textContent}`);
  });
  return bad;
})()
