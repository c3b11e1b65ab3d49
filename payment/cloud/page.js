// Keeps the page true: the cloud says when something has changed, and only the parts that have are put in place of the
// old ones, so that neither a screen reader nor a selection has to begin anew.
"use strict";

const lostMS = 10000; // six beats
const lost = document.querySelector("#lost");
let alive = performance.now(); // of the last sign of life
let shown = ""; // what the page shows, as the cloud names it
let asking = false;

function renew(version) {
  if (asking) return; // the next beat asks again
  asking = true;
  const ask = new XMLHttpRequest();
  ask.open("GET", "/");
  ask.responseType = "document";
  ask.timeout = lostMS;
  ask.onloadend = () => {
    asking = false;
    if (ask.status !== 200 || !ask.response) return; // the page says so when no beats come either
    for (const old of document.querySelectorAll("main section")) {
      const next = ask.response.getElementById(old.id);
      if (next && next.innerHTML !== old.innerHTML) old.replaceChildren(...next.childNodes);
    }
    shown = version;
  };
  ask.send();
}

function heard(event) {
  alive = performance.now();
  lost.hidden = true;
  if (event.data !== shown) renew(event.data);
}

const source = new EventSource("/changes");
source.addEventListener("beat", heard);
setInterval(() => { lost.hidden = performance.now() - alive < lostMS; }, 1000);

// What is typed is sent and not kept here: the page shows what became of it with the next beat.
async function send(path, what) {
  const said = document.querySelector("#said");
  said.textContent = "";
  said.className = "";
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what) });
    if (answer.ok) return true;
    said.textContent = await answer.text();
  } catch {
    said.textContent = "The cloud did not answer. Look whether it runs, and try again.";
  }
  said.className = "bad";
  return false;
}

const form = document.querySelector("#claim");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = Object.fromEntries(new FormData(form));
  if (await send("/claim", { ...typed, replace: typed.replace === "on" })) {
    form.elements.code.value = form.elements.name.value = "";
    form.elements.replace.checked = false;
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-revoke]");
  if (!button) return;
  const source = button.dataset.revoke;
  if (confirm(`Take nothing of ${source} any more? Its payments that are not here yet stay with it.`)) send("/revoke", { source });
});
