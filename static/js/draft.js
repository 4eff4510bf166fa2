// Saves the form while one types, at the address of data-draft. Without this script, its button does.
const form = document.querySelector("[data-draft]");
const told = form?.querySelector("[data-draft-status]");
const PAUSE = 2000; // ms without typing
let timer;
let unsaved = false;

async function save() {
  unsaved = false;
  try {
    const response = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form), keepalive: true });
    told.textContent = response.ok || response.status === 409 ? (await response.json()).told : "Brouillon non gardé pour l’instant.";
  } catch {
    unsaved = true;
    told.textContent = "Connexion perdue : le brouillon sera gardé à son retour.";
    timer = setTimeout(save, 5 * PAUSE);
  }
}

function later() {
  unsaved = true;
  clearTimeout(timer);
  timer = setTimeout(save, PAUSE);
}

if (form) {
  form.addEventListener("input", later);
  form.addEventListener("submit", () => clearTimeout(timer));
  document.addEventListener("visibilitychange", () => {
    if (unsaved && document.visibilityState === "hidden") save();
  });
}
