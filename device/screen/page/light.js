// The light: plays a code of colours once, and tells the terminal when each of them was on the screen. All of them are
// known before the first is shown, so that nothing is waited for between.
"use strict";

const light = (() => {
  const root = document.documentElement;
  const button = document.querySelector(".without button");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const page = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");
  const begun = new Set(); // lights that were played here, or won't be
  const apart = 1000; // ms between the beginnings of two lights: what they change at both ends is no flicker
  const early = 4; // ms: a frame that is this much too early is the one that was meant
  let run = null; // the light that is played
  let last = -Infinity; // when the last one began
  let offer = 0; // which offer of colours can be declined; 0: none
  let declined = 0;

  function paint(colour) {
    if (colour) root.style.setProperty("--light", colour);
    else root.style.removeProperty("--light");
    root.toggleAttribute("data-light", Boolean(colour));
  }

  async function tell(what) {
    try {
      const answer = await fetch("/light", { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ page, ...what, visibility: document.visibilityState, now_ms: performance.now() }),
        cache: "no-store", credentials: "omit", keepalive: true });
      return answer.status;
    } catch {
      return 0;
    }
  }

  function stop() {
    if (run) clearTimeout(run.timer);
    run = null;
    paint(null);
  }

  function end(why, ended) {
    const { id, seen } = run;
    stop();
    offers();
    tell(why ? { id, colours: seen, why } : { id, colours: seen, ended_ms: ended });
  }

  // Every time here is a frame's, on the clock of performance.now. A colour is seen when the frame after its own begins.
  function frame(r, t) {
    if (run !== r) return;
    if (still.matches) return end("reduced_motion");
    if (r.start === null && t >= last + apart) r.start = last = t;
    if (r.set) {
      r.seen.push({ ...r.set, seen_ms: t });
      r.set = null;
      if (r.seen.length === 1) tell({ id: r.id, colours: r.seen });
    }
    if (r.over) return end("", t);
    const i = r.start === null ? -1 : Math.floor((t - r.start + early) / r.slot);
    if (i >= r.colours.length) {
      paint(null);
      r.over = true;
    } else if (i > r.now) {
      r.now = i;
      r.set = { i, set_ms: t };
      paint(r.colours[i]);
    }
    requestAnimationFrame((t) => frame(r, t));
  }

  function begin({ id, colours, slot_ms }) {
    begun.add(id);
    if (document.hidden) return tell({ id, why: "hidden" });
    const r = run = { id, colours, slot: slot_ms, start: null, now: -1, set: null, over: false, seen: [] };
    // Frames may stop, for a page that nobody paints.
    r.timer = setTimeout(() => end("", performance.now()), apart + colours.length * slot_ms + 1000);
    requestAnimationFrame((t) => frame(r, t));
  }

  let next = null; // the light of the last view
  function offers() {
    button.hidden = !offer || declined === offer || (next !== null && begun.has(next.id) && run?.id !== next.id);
    root.toggleAttribute("data-offer", !button.hidden);
  }

  async function decline() {
    const mine = declined = offer;
    stop();
    offers();
    for (let tries = 0; tries < 5 && mine === offer; tries++) {
      if (await tell({ offer: mine, why: "declined" }) !== 0) return;
      await new Promise((done) => setTimeout(done, 300));
    }
  }

  button.addEventListener("click", decline);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && run) end("hidden");
  });

  return {
    // show takes each view. The light that plays goes on, another begins, and a view without one stops it.
    show(view) {
      offer = view.offer ?? 0;
      next = view.light ?? null;
      if (run && run.id !== next?.id) stop();
      if (next && offer && declined !== offer && !begun.has(next.id)) begin(next);
      offers();
    },
    forget() { // a terminal that starts again counts its offers anew
      offer = declined = 0;
      next = null;
      stop();
      offers();
    },
  };
})();
