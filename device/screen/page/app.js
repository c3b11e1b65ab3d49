// Puts what the terminal says on the page. The words come ready in the reader's language; this script formats the
// amount, draws the smile, counts the seconds, and blanks the page when the terminal is gone.
"use strict";

const root = document.documentElement;
const find = (s) => document.querySelector(s);
const lostMS = Number(root.dataset.lostMs);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let fixed = {};
let source = null; // the open event stream
let again = 0; // timer of the next attempt
let alive = performance.now(); // of the last sign of life
let fresh = false; // a view has come on this connection
let shown = ""; // the state on the screen
let deadline = null; // on performance.now()'s clock

function setText(node, text) {
  text ??= "";
  if (node.textContent !== text) node.textContent = text; // unchanged text isn't read out again
}

function showAmount(view) {
  const node = find(".amount");
  const key = [view.amount, view.currency, view.lang].join(" ");
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  find(".pay").hidden = !view.amount;
  node.replaceChildren(...(view.amount ? money(view.amount, view.currency, view.lang) : []).map((p) => {
    const span = document.createElement("span");
    span.className = p.type;
    span.textContent = p.value;
    return span;
  }));
}

// fitAmount tells the style sheet how wide the amount is in ems, so that it can be as large as its column allows.
function fitAmount() {
  const node = find(".amount");
  const size = parseFloat(getComputedStyle(node).fontSize);
  const width = node.getBoundingClientRect().width;
  if (width > 0) node.style.setProperty("--em", (width / size + 0.02).toFixed(3));
}

let smile = 0.1, smileGoal = 0.1, drawing = false;
function drawSmile() {
  if (calm.matches || Math.abs(smileGoal - smile) < 0.004) smile = smileGoal;
  else smile += (smileGoal - smile) * 0.18;
  const wide = 32 + 12 * smile, corner = 30 - 18 * smile, deep = 30 + 40 * smile;
  find("#mouth").setAttribute("d", `M${-wide} ${corner}Q0 ${deep} ${wide} ${corner}`);
  drawing = smile !== smileGoal;
  if (drawing) requestAnimationFrame(drawSmile);
}

function showProgress(view) {
  const stage = find(".stage");
  stage.style.setProperty("--p", view.progress);
  stage.toggleAttribute("data-some", view.progress > 0);
  stage.setAttribute("aria-valuenow", Math.round(view.progress * 100));
  smileGoal = { idle: 0.75, recognised: 0.3, smile: 0.15 + 0.85 * view.progress }[view.state] ?? 0.08;
  if (!drawing) drawSmile();
}

function showSeconds() {
  const node = find(".left");
  if (deadline === null) return setText(node, "");
  const n = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
  setText(node, (fixed.left ?? "").replace("{n}", n));
  node.classList.toggle("soon", n <= 5);
}

function showBoard(view) {
  find(".board").hidden = !view.simulated;
  if (!view.simulated) return;
  const list = find(".lamps");
  const names = Object.keys(view.lamps ?? {});
  if (list.dataset.names !== names.join()) {
    list.dataset.names = names.join();
    list.replaceChildren(...names.map((name) => {
      const li = document.createElement("li"), word = document.createElement("span"), is = document.createElement("span");
      li.dataset.lamp = name;
      word.textContent = name;
      is.className = "hush";
      li.append(document.createElement("i"), word, is);
      return li;
    }));
  }
  for (const li of list.children) {
    const on = view.lamps[li.dataset.lamp];
    li.toggleAttribute("data-on", on);
    setText(li.lastChild, on ? fixed.on : fixed.off);
  }
  setText(find(".buzzer b"), view.buzzer > 0 ? `♪ ${Math.round(view.buzzer)} Hz` : fixed.silent);
}

// Tunes: [Hz, start s, length s]. Rising is paid, falling is not.
const tunes = { approved: [[659.3, 0, 0.14], [987.8, 0.14, 0.32]], declined: [[329.6, 0, 0.2], [220, 0.22, 0.4]] };
let audio = null;
function play(tune) {
  audio ??= new AudioContext();
  audio.resume(); // browsers without a kiosk's permission keep it silent until the page is touched
  for (const [hz, start, length] of tune) {
    const tone = audio.createOscillator(), gain = audio.createGain(), at = audio.currentTime + start;
    tone.type = "triangle";
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.35, at + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.001, at + length);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}

// showScan draws what a phone can take a picture of.
function showScan(view) {
  const node = find(".scan"), scan = view.scan ?? { path: "", size: 0, name: "" };
  root.toggleAttribute("data-scan", scan.size > 0);
  node.setAttribute("viewBox", `0 0 ${scan.size} ${scan.size}`);
  node.setAttribute("aria-label", scan.name);
  node.firstElementChild.setAttribute("d", scan.path);
}

function show(view) {
  if (view.version !== root.dataset.version) return location.reload();
  fixed = view.fixed;
  view = forget.over(view);
  root.lang = view.lang;
  root.dataset.state = view.state;
  root.dataset.act = view.act;
  keypad.show(view);
  light.show(view);
  root.dataset.link = "live";
  for (const node of document.querySelectorAll("[data-fixed]")) setText(node, fixed[node.dataset.fixed]);
  for (const node of document.querySelectorAll("[data-word]")) setText(node, view.words[node.dataset.word]);
  // by hand: WebKit 2.38 does not see for :has() and :is() that something changes
  root.toggleAttribute("data-noted", Boolean(view.words.note));
  root.toggleAttribute("data-help", Boolean(view.words.help));
  find(".staff").hidden = !view.words.what && !view.words.do;
  find(".stage").setAttribute("aria-label", fixed.progress);
  deadline = view.left_ms < 0 ? null : performance.now() + view.left_ms;
  showSeconds();
  showBoard(view);
  showAmount(view);
  fitAmount();
  showProgress(view);
  showScan(view);
  forget.draw();
  // Only a result that happens now is heard, not one that was found on coming back.
  if (fresh && view.sound && view.state !== shown && tunes[view.state]) play(tunes[view.state]);
  fresh = true;
  shown = view.state;
}

// blank takes everything off the page: what it said may no longer be true.
function blank(link) {
  root.dataset.link = link;
  root.dataset.state = root.dataset.act = shown = "";
  deadline = null;
  fresh = false;
  keypad.forget();
  light.forget();
  forget.lose();
  for (const node of document.querySelectorAll("[data-word], .left")) setText(node, "");
  root.removeAttribute("data-noted");
  root.removeAttribute("data-help");
  showScan({});
  const amount = find(".amount");
  amount.replaceChildren();
  find(".pay").hidden = find(".staff").hidden = true;
  delete amount.dataset.key;
  find(".board").hidden = true;
}

function disconnect() {
  clearTimeout(again);
  source?.close();
  source = null;
}

function connect() {
  disconnect();
  alive = performance.now();
  const mine = source = new EventSource("/events" + location.search);
  const sign = () => { alive = performance.now(); };
  mine.addEventListener("beat", sign);
  mine.addEventListener("view", (e) => {
    sign();
    show(JSON.parse(e.data));
  });
  mine.onerror = () => {
    if (mine !== source) return;
    blank("lost");
    disconnect(); // our own timer: a browser gives up for good after an error answer
    again = setTimeout(connect, 1000);
  };
}

setInterval(() => {
  showSeconds();
  if (source && performance.now() - alive > lostMS) {
    blank("lost");
    connect();
  }
}, 250);

// A page that nobody sees may be frozen with old words on it, and holds one of few streams: it lets go.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    blank("connecting");
    disconnect();
  } else connect();
});
addEventListener("pageshow", (e) => { if (e.persisted) connect(); });
addEventListener("pagehide", () => { blank("connecting"); disconnect(); });
addEventListener("resize", fitAmount);
connect();
