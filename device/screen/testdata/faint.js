// Lists texts whose contrast with their ground is too low, as they are painted: WCAG 2.2, 1.4.3 AA (4.5:1, whatever the
// size), and 1.4.6 AAA (7:1) for the amount. While the light plays the amount, which stood there before, is ink on its
// colour: AAA for large text. What can't be pressed now is exempt there, and held to 3:1 here. So are the frame of a
// field and the ring of the focus (1.4.11). window.contrasts keeps all that was measured.
(() => {
  const need = document.documentElement.hasAttribute("data-light") ? 4.5 : 7;
  const all = window.contrasts = [], bad = [];
  // parse gives [r, g, b, a] of a computed colour, or nothing.
  const parse = (c) => {
    const m = /^rgba?\(([\d., ]+)\)$/.exec(c), srgb = /^color\(srgb ([\d. e-]+)(?: \/ ([\d.]+))?\)$/.exec(c);
    if (m) return [...m[1].split(",").map(Number), 1].slice(0, 4);
    return srgb ? [...srgb[1].split(" ").map((v) => v * 255), Number(srgb[2] ?? 1)] : null;
  };
  const over = (a, b) => { // a painted on b
    const alpha = a[3] + b[3] * (1 - a[3]);
    return alpha ? [0, 1, 2].map((i) => (a[i] * a[3] + b[i] * b[3] * (1 - a[3])) / alpha).concat(alpha) : [0, 0, 0, 0];
  };
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ratioOf = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
  const hex = (c) => "#" + c.slice(0, 3).map((v) => Math.round(v).toString(16).padStart(2, "0")).join("");
  const clear = [0, 0, 0, 0];

  // grounds gives what an element and what is around it may be painted on: one colour each, or those of a gradient.
  function grounds(n, pseudo) {
    const s = getComputedStyle(n, pseudo), own = parse(s.backgroundColor);
    if (!own) throw new Error(`a colour that can't be read: ${s.backgroundColor}`);
    if (s.backgroundImage === "none") return [own];
    const stops = s.backgroundImage.match(/(rgba?|color)\([^()]*\)/g);
    if (!stops || s.backgroundImage.includes("url(")) throw new Error(`a ground that can't be computed: ${s.backgroundImage}`);
    return stops.map((c) => over(parse(c), own));
  }
  // chain is an element with all around it, the outermost first, but what a dialog stands above.
  function chain(n) {
    const list = [];
    for (; n; n = n.parentElement) {
      list.unshift(n);
      if (n.matches("dialog[open]")) break;
    }
    return list;
  }
  // beneath is the ground of what lies under an element without being around it, where that is seen.
  function beneath(n) {
    const r = n.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
    const stack = document.elementsFromPoint(x, y), at = stack.indexOf(n);
    for (const e of at < 0 ? [] : stack.slice(at + 1)) {
      if (e.contains(n)) {
        if (grounds(e).every((c) => c[3] > 0)) return null;
      } else if (e.namespaceURI.endsWith("xhtml") && grounds(e).some((c) => c[3] > 0)) return e;
    }
    return null;
  }
  // painted gives what is seen of a list of elements, text included or not: an element's opacity is that of all in it.
  function painted(list, picks, text) {
    let seen = text ?? clear;
    for (let i = list.length - 1; i >= 0; i--) {
      seen = over(seen, picks[i]);
      seen = [...seen.slice(0, 3), seen[3] * Number(getComputedStyle(list[i]).opacity)];
    }
    return over(seen, [255, 255, 255, 1]);
  }
  function* choices(options) { // one of each
    if (!options.length) return yield [];
    for (const rest of choices(options.slice(1))) for (const o of options[0]) yield [o, ...rest];
  }

  function measure(n, colour, what, least, { list = chain(n), pseudo } = {}) {
    try {
      const fore = parse(colour), under = beneath(n), options = list.map((e) => grounds(e));
      if (under) options[list.length - 1] = [...options[list.length - 1], ...grounds(under)];
      if (pseudo) options[list.length - 1] = grounds(n, pseudo).map((c) => over(c, options[list.length - 1][0]));
      if (!fore) throw new Error(`a colour that can't be read: ${colour}`);
      let worst = null;
      for (const picks of choices(options)) {
        const ground = painted(list, picks), front = painted(list, picks, fore), ratio = ratioOf(front, ground);
        if (!worst || ratio < worst.ratio) worst = { ratio, fore: hex(front), ground: hex(ground) };
      }
      all.push({ ...worst, need: least, text: what });
      if (worst.ratio < least) bad.push(`contrast ${worst.ratio.toFixed(2)} of ${worst.fore} on ${worst.ground}, wants ${least}: ${what}`);
    } catch (e) {
      bad.push(`contrast unknown, ${e.message}: ${what}`);
    }
  }

  const open = document.querySelector("dialog[open]");
  const hidden = (n) => !n.checkVisibility({ visibilityProperty: true }) || open && !open.contains(n) ||
    getComputedStyle(n).clipPath !== "none" || n.closest("svg, script, style, noscript, template");
  for (const n of document.querySelectorAll("body, body *")) {
    if (hidden(n)) continue;
    const s = getComputedStyle(n), said = [...n.childNodes].filter((c) => c.nodeType === Node.TEXT_NODE).map((c) => c.textContent.trim()).join(" ").trim();
    const off = n.closest(":disabled, [aria-disabled=true], [aria-busy=true]"), least = off ? 3 : n.closest(".amount") ? need : 4.5;
    const name = (n.className || n.tagName) + " ";
    if (said && n.tagName !== "OPTION") measure(n, s.color, name + said.slice(0, 40), least);
    if (n.matches("input:not([type=radio], [type=checkbox]), select, textarea")) {
      measure(n, s.color, name + "what is typed", off ? 3 : 4.5);
      if (n.placeholder) measure(n, getComputedStyle(n, "::placeholder").color, name + n.placeholder, 4.5);
      // A field is known by its frame, or by its own ground.
      const around = chain(n).slice(0, -1), ground = around.length ? hex(painted(around, around.map((e) => grounds(e)[0]))) : "#ffffff";
      const inside = ratioOf(painted(chain(n), chain(n).map((e) => grounds(e)[0])), painted(around, around.map((e) => grounds(e)[0])));
      if (inside < 3 && around.length) measure(around.at(-1), s.borderTopColor, name + "its frame on " + ground, 3, { list: around });
    }
    for (const pseudo of ["::before", "::after"]) {
      const p = getComputedStyle(n, pseudo), text = /^"(.+)"$/.exec(p.content)?.[1].trim();
      if (text) measure(n, p.color, name + pseudo + text, off ? 3 : 4.5, { pseudo });
    }
    if (n === document.activeElement && n.matches(":focus-visible") && s.outlineStyle !== "none" && n.parentElement) {
      measure(n.parentElement, s.outlineColor, name + "the ring of the focus", 3);
    }
  }
  return bad;
})()
