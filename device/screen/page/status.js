// Keeps the technician's page true. The server says when something has changed; only the rows that have are put in place
// of the old ones, so that neither a screen reader nor a selection has to begin anew.
"use strict";

const lostMS = Number(document.documentElement.dataset.lostMs);
const age = document.querySelector("#age"), lost = document.querySelector("#lost");
let alive = performance.now(); // of the last sign of life
let since = alive - 1000 * Number(age.dataset.age); // when the terminal last said how it is
let shown = ""; // what the page shows, as the server names it
let asking = false;

function tellAge() {
  const text = age.dataset.words.replace("{n}", Math.max(0, Math.round((performance.now() - since) / 1000)));
  if (age.textContent !== text) age.textContent = text;
  const gone = performance.now() - alive > lostMS;
  if (lost.hidden === gone) lost.hidden = !gone;
}

function put(fresh) {
  const old = document.querySelector("main"), rows = old.querySelectorAll("tbody tr");
  const next = fresh.querySelector("main"), others = next.querySelectorAll("tbody tr");
  const notes = (where) => where.querySelector(".note:not(.verdict)");
  if (!rows.length || rows.length !== others.length || notes(old) || notes(next)) old.replaceWith(next);
  else {
    rows.forEach((row, i) => { if (row.outerHTML !== others[i].outerHTML) row.replaceWith(others[i]); });
    const said = old.querySelector(".verdict"), says = next.querySelector(".verdict");
    if (said.outerHTML !== says.outerHTML) { // the element stays: a screen reader tells what becomes of it
      said.className = says.className;
      said.replaceChildren(...says.childNodes);
    }
  }
  age.hidden = fresh.querySelector("#age").hidden;
}

// An answer that is a document by itself: the page's policy lets no script make one of a text.
function renew(version) {
  if (asking) return; // the next beat asks again
  asking = true;
  const ask = new XMLHttpRequest();
  ask.open("GET", location.href);
  ask.responseType = "document";
  ask.timeout = lostMS;
  ask.onloadend = () => {
    asking = false;
    if (ask.status !== 200 || !ask.response) return; // the page says so when no beats come either
    put(ask.response);
    shown = version;
  };
  ask.send();
}

function heard(event) {
  const { version, age: seconds } = JSON.parse(event.data);
  alive = performance.now();
  since = alive - 1000 * seconds;
  tellAge();
  if (version && version !== shown) renew(version);
}

const source = new EventSource("/status/events" + location.search);
source.addEventListener("change", heard);
source.addEventListener("beat", heard);
setInterval(tellAge, 1000);
