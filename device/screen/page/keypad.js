// The keypad: it counts digits on the screen, keeps the PIN in one variable until it is sent, and forgets it with
// whatever else happens.
"use strict";

const keypad = (() => {
  const root = document.documentElement;
  const pad = document.querySelector(".keypad");
  const said = document.querySelector(".said");
  const most = 12;
  let least = 4; // digits: of a PIN, or of a customer's number
  let number = false;
  let pin = "";
  let asked = ""; // what the PIN is for; "" while none is asked for
  let other = null; // who takes the PIN in place of the terminal: {take, leave}
  let words = {};
  let busy = false;

  function say(text, calm) {
    said.classList.toggle("calm", calm === true);
    if (said.textContent !== text) said.textContent = text;
    root.toggleAttribute("data-said", Boolean(text));
  }

  function draw() {
    const digits = pad.querySelector(".digits");
    digits.replaceChildren(...Array.from({ length: Math.max(least, pin.length) }, (_, i) => {
      const dot = document.createElement("i");
      dot.className = i < pin.length ? "set" : "";
      return dot;
    }));
    digits.setAttribute("aria-label", (words.pin_length ?? "").replace("{n}", pin.length));
    pad.setAttribute("aria-busy", busy);
  }

  async function send(path, body) {
    try {
      const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body), cache: "no-store", credentials: "omit" });
      return answer.status;
    } catch {
      return 0;
    }
  }

  async function enter() {
    if (pin.length < least) return;
    const mine = asked, body = { asked, pin, number };
    pin = "";
    busy = true;
    say(words.pin_checking, true);
    draw();
    const status = other ? await other.take(body.pin) : await send("/pin", body);
    if (mine !== asked || body.number !== number) return; // another payment by now: nothing of this one is said there
    busy = false;
    draw();
    if (status === 422) say(words.pin_wrong);
    else if (status !== 204) say(words.pin_failed);
  }

  function press(key) {
    if (!asked) return;
    if (key === "cancel") {
      pin = "";
      draw();
      if (other) other.leave();
      else send("/cancel", { asked });
    } else if (busy) return;
    else if (key === "enter") enter();
    else {
      say("");
      pin = key === "correct" ? pin.slice(0, -1) : (pin + key).slice(0, most);
      draw();
    }
  }

  pad.addEventListener("click", (e) => {
    const key = e.target.closest("button")?.dataset.key;
    if (key) press(key);
  });
  // A keypad with real keys, or a keyboard. Enter on a key that has the focus presses that key, as ever.
  addEventListener("keydown", (e) => {
    if (!asked || e.ctrlKey || e.altKey || e.metaKey) return;
    const onKey = document.activeElement?.closest(".keypad button");
    const key = /^\d$/.test(e.key) ? e.key : { Enter: onKey ? "" : "enter", Backspace: "correct", Escape: "cancel" }[e.key];
    if (!key) return;
    e.preventDefault();
    press(key);
  });

  return {
    // show takes each view; whatever is not the same question forgets what was typed.
    show(view) {
      words = view.fixed;
      const now = view.state === "enter_pin" ? view.asked ?? "" : "";
      const anew = now !== asked || now && number !== (view.number === true);
      other = view.pin ?? null;
      for (const b of pad.querySelectorAll(".word")) b.textContent = words["key_" + b.dataset.key] ?? "";
      if (!anew) return;
      asked = now;
      number = view.number === true;
      least = number ? 3 : 4;
      this.forget();
    },
    wrong() { say(words.pin_wrong); },
    forget() {
      pin = "";
      busy = false;
      if (root.dataset.state !== "enter_pin") asked = "";
      say("");
      draw();
    },
  };
})();
