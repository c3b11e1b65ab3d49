// What is stored, and "forget me": pages that somebody opens while nothing is to be paid. They stand in place of the idle
// page; a payment ends them, and so does a time without a touch. The PIN is kept until the last question is answered.
"use strict";

const forget = (() => {
  const root = document.documentElement;
  const texts = JSON.parse(document.querySelector("#forget-words").textContent);
  const box = document.querySelector(".acts"), yours = document.querySelector(".yours");
  const picture = document.querySelector(".receipt");
  let step = ""; // notice, ask, look, pin, sure, wait, done or said; "" while the page is the terminal's
  let drawn = ""; // the step that has its buttons
  let last = null; // the terminal's last word
  let until = Infinity, timer = 0; // on performance.now()'s clock
  let token = "", pin = "";
  let told = { title: "", help: "", again: false }; // of said, and of done
  let receipt = null; // {id, code}
  let asking = null; // what is sent, to be taken back

  const word = (key, n) => (texts[root.lang]?.[key] ?? "").replace("{n}", () => n ?? "");

  function arm(ms) {
    clearTimeout(timer);
    until = performance.now() + ms;
    timer = setTimeout(leave, ms);
  }

  function stay() {
    if (["notice", "ask", "said", "done"].includes(step)) arm(last.stay_ms);
  }

  function drop() {
    asking?.abort();
    asking = null;
    clearTimeout(timer);
    until = Infinity;
    step = token = pin = "";
    receipt = null;
  }

  // go is the next page; wait is how long it stands.
  function go(next, wait) {
    step = next;
    if (next !== "sure" && next !== "wait") pin = "";
    if (wait === undefined) stay();
    else if (wait) arm(wait);
    if (last) show(last);
  }

  function leave() {
    const held = box.contains(document.activeElement);
    drop();
    if (last) show(last);
    if (held) yours.querySelector("button:not([hidden])")?.focus();
  }

  function say(why, left) {
    const key = texts.en["why." + why] ? why : "failed";
    told = { title: word("failed_title"), help: word("why." + key, left), again: ["nobody", "several", "picture", "busy", "late"].includes(key) };
    go("said");
  }

  // ask gives what the terminal says, or nothing if it does not matter any more. Status 0: it did not answer.
  async function ask(path, body) {
    const mine = asking = new AbortController();
    const late = setTimeout(() => mine.abort(), 60000); // not AbortSignal.any: WebKit 2.38 has none
    let answer = { status: 0, data: {} };
    try {
      const r = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
        cache: "no-store", credentials: "omit", signal: mine.signal });
      answer = { status: r.status, data: await r.json() };
    } catch { /* told as no answer */ }
    clearTimeout(late);
    if (mine !== asking) return null;
    asking = null;
    return answer;
  }

  async function look() {
    clearTimeout(timer);
    until = Infinity;
    go("look", 0);
    const a = await ask("/forget/look", {});
    if (!a) return;
    if (a.status !== 200) return say(a.data.why, a.data.left_min); // of no answer, that it could not be done
    token = a.data.token;
    go("pin", last.stay_ms);
  }

  async function erase() {
    const left = until - performance.now(), body = { token, pin };
    clearTimeout(timer);
    until = Infinity;
    go("wait", 0);
    pin = "";
    const a = await ask("/forget/confirm", body);
    if (!a) return;
    if (a.status === 200) return done(a.data);
    if (a.status === 422) {
      go("pin", Math.max(left, 10000));
      return keypad.wrong();
    }
    if (a.status !== 0) return say(a.data.why, a.data.left_min);
    told = { title: word("unknown_title"), help: word("unknown"), again: false };
    go("said");
  }

  function done({ receipt: r, code }) {
    const n = r.data?.payments ?? 0, open = r.data?.unreported ?? 0;
    told = { title: word("done_title"), help: [word("done"), [n ? word("done_payments", n) : "", open ? word("done_unreported", open) : ""].filter(Boolean).join(" "),
      code ? word("done_code") : "", word("done_receipt", r.id)].filter(Boolean).join("\n") };
    receipt = { code: code ?? [] };
    token = "";
    go("done");
  }

  const contact = () => yours.dataset.contact ? word("contact", yours.dataset.contact) : word("contact_staff");

  // pages are [title, help, buttons of [text, act, class]].
  const pages = {
    notice: () => [word("notice_title"), word("notice") + "\n" + contact(), [...(last.forget ? [[word("me"), () => go("ask"), ""]] : []), [word("close"), leave, "go"]]],
    ask: () => [word("ask_title"), word("ask"), [[word("go"), look, "go"], [word("cancel"), leave, ""]]],
    look: () => ["", word("look"), [[word("cancel"), leave, ""]]],
    pin: () => ["", word("pin"), []],
    sure: () => [word("sure_title"), word("sure"), [[word("yes"), erase, "yes"], [word("no"), leave, ""]]],
    wait: () => [word("wait_title"), "", []],
    said: () => [told.title, told.help, [...(told.again ? [[word("again"), look, "go"]] : []), [word("close"), leave, ""]]],
    done: () => [told.title, told.help, [[word("done_close"), leave, "go"]]],
  };

  function button([text, act, name]) {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = text;
    b.className = name;
    b.addEventListener("click", act);
    return b;
  }

  for (const b of yours.querySelectorAll("button")) b.addEventListener("click", () => go(b.dataset.step));
  for (const kind of ["pointerdown", "keydown"]) {
    addEventListener(kind, () => { if (step && root.dataset.forget) stay(); });
  }
  addEventListener("keydown", (e) => {
    if (e.key === "Escape" && root.dataset.forget && step !== "pin" && step !== "wait") leave();
  });

  return {
    // over gives what is shown of a view: the page that somebody has opened, as long as nobody pays.
    over(view) {
      last = view;
      root.lang = view.lang;
      const ours = view.state === "idle" || view.act === "forget_look";
      if (!ours && step && step !== "done") drop(); // a receipt comes back after the payment
      const on = step && ours;
      yours.hidden = Boolean(step) || view.state !== "idle";
      for (const b of yours.querySelectorAll("button")) b.textContent = word({ notice: "stored", ask: "me" }[b.dataset.step]);
      yours.lastElementChild.hidden = !view.forget;
      root.dataset.forget = on ? step : "";
      if (!on) return view;
      const [title, help] = pages[step]();
      const words = { merchant: view.words.merchant, terminal: view.words.terminal, title, help };
      const mine = { ...view, state: "forget", act: "", progress: 0, words, left_ms: until === Infinity ? -1 : until - performance.now() };
      if (step === "look") return { ...mine, state: "look_here", act: "forget_look", progress: view.act ? view.progress : 0,
        words: { ...words, title: view.fixed.forget_look } };
      if (step === "pin") return { ...mine, state: "enter_pin", asked: "forget", words: { ...words, title: view.fixed.forget_pin },
        pin: { take: async (typed) => { pin = typed; step = "sure"; show(last); return 204; }, leave } };
      return mine;
    },
    // draw puts the buttons on the page, once a step.
    draw() {
      const now = root.dataset.forget + root.lang;
      if (now === drawn) return;
      drawn = now;
      const on = root.dataset.forget;
      box.replaceChildren(...(on ? pages[step]()[2].map(button) : []));
      box.setAttribute("aria-label", on ? document.querySelector("h1").textContent : "");
      const code = on === "done" ? receipt.code : [];
      picture.setAttribute("viewBox", `-4 -4 ${code.length + 8} ${code.length + 8}`); // the quiet zone of four modules
      picture.setAttribute("aria-label", code.length ? word("code") : "");
      picture.firstElementChild.setAttribute("d", code.flatMap((line, y) => [...line].map((c, x) => c === "1" ? `M${x} ${y}h1v1h-1z` : "")).join(""));
      root.toggleAttribute("data-receipt", code.length > 0);
      if (on && box.children.length) box.focus({ preventScroll: true }); // on no button: an Enter that is held would press it
    },
    // lose ends it with the connection, but for a receipt, which is nobody's word but the terminal's own of before.
    lose() {
      if (step !== "done") drop();
      root.dataset.forget = "";
      yours.hidden = true;
    },
  };
})();
