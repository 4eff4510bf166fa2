// Saves the form while one types, at the address of data-draft, until the server has kept it. Without this script, its
// button does.
const form = document.querySelector("[data-draft]");
const told = form?.querySelector("[data-draft-status]");
const PAUSE = 2000; // ms without typing
const AGAIN = 10000; // ms before another try
const OUTLIVES = 50000; // bytes: a browser lets no request much longer outlive its page
let timer;
let unsaved = false;
let saving = 0;

async function save() {
  clearTimeout(timer);
  unsaved = false;
  const body = new FormData(form); // as the button sends it, ends of lines included: what is signed is what was kept
  const keepalive = new URLSearchParams(body).toString().length < OUTLIVES;
  saving += 1;
  try {
    const response = await fetch(form.dataset.draft, { method: "POST", body, keepalive });
    if (response.ok || response.status === 409) told.textContent = (await response.json()).told;
    else tryAgain("Brouillon pas encore gardé : nouvel essai dans quelques secondes.");
  } catch {
    tryAgain("Connexion perdue : le brouillon sera gardé à son retour.");
  } finally {
    saving -= 1;
  }
}

function tryAgain(why) {
  told.textContent = why;
  if (!unsaved) later(AGAIN); // else something was typed meanwhile, which leaves sooner
}

function later(delay) {
  unsaved = true;
  clearTimeout(timer);
  timer = setTimeout(save, delay);
}

if (form) {
  form.addEventListener("input", () => later(PAUSE));
  form.addEventListener("submit", () => clearTimeout(timer));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && (unsaved || saving)) save(); // one on its way over a slow connection may not arrive
  });
  addEventListener("online", () => {
    if (unsaved) save();
  });
}
