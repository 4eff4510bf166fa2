// A section is saved as it is typed. What could not be saved (connection lost, session expired) stays in this browser
// and is sent again; a button waits for the last words to be saved, so that no error page ever swallows them.
const QUIET = 1500; // ms without a keystroke
const AGAIN = 15000; // ms before another try
const KEPT = 24 * 3600 * 1000; // ms that a draft stays in this browser
const draftKey = `brouillon ${location.pathname}`;
const form = document.querySelector("[data-autosave]");
const status = document.getElementById("enregistrement");
let timer, waiting, dirty = false, saving = 0;
let borrowed = false; // the name of the page whose text was put back, until the server has taken it

const drafts = {
  read() {
    try {
      const draft = JSON.parse(localStorage.getItem(draftKey));
      return draft && Date.now() - draft.at < KEPT ? draft.text : null;
    } catch {
      return null;
    }
  },
  write(text) {
    try {
      localStorage.setItem(draftKey, JSON.stringify({ at: Date.now(), text }));
    } catch {} // a browser that keeps nothing: the page still holds what is typed
  },
  drop() {
    try {
      localStorage.removeItem(draftKey);
    } catch {}
  },
};

function typed() {
  const data = new FormData(form);
  data.delete("csrfmiddlewaretoken");
  return new URLSearchParams(data).toString();
}

function later(delay) {
  clearTimeout(timer);
  timer = setTimeout(save, delay);
}

function note() {
  dirty = true;
  drafts.write(typed());
}

function save() {
  clearTimeout(timer);
  if (!dirty) return;
  dirty = false;
  htmx.trigger(form, "autosave");
}

function told(event) {
  saving -= 1;
  const { xhr, elt } = event.detail;
  if (xhr.status === 200 && xhr.getResponseHeader("X-Version")) {
    form.elements.version.value = xhr.getResponseHeader("X-Version");
    sessionStorage.removeItem(draftKey);
    if (borrowed) nameThisPage();
    if (!dirty && !saving) drafts.drop();
    if (waiting && !dirty && !saving) submitFor(waiting);
  } else if (xhr.status === 409 || xhr.status === 401) {
    // The server has both versions shown, or keeps the text until its author has signed in: for a form sent for good.
    if (elt !== form) submitFor(elt);
    else if (waiting) submitFor(waiting);
    else if (xhr.status === 401) dirty = true; // signed in again elsewhere, the person comes back to a page that tries again
  } else if (xhr.status === 403 && !sessionStorage.getItem(draftKey)) {
    // Signed in again elsewhere: this page's token is out of date. The page made anew sends the draft.
    sessionStorage.setItem(draftKey, "reloaded");
    drafts.write(typed());
    location.reload();
  } else {
    dirty = true;
    waiting = null;
    status.textContent = "Connexion perdue. Votre texte est gardé dans ce navigateur et sera envoyé à son retour.";
    later(AGAIN);
  }
}

function submitFor(button) {
  waiting = null;
  dirty = false;
  const field = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
  form.append(field);
  form.submit();
  // Back from another page, this one may be shown again as it was left.
  setTimeout(() => field.remove());
}

function hold(event) {
  if (!dirty && !saving) return; // nothing but the form itself is to be sent
  event.preventDefault();
  waiting = event.submitter ?? form.querySelector("button[name=next]");
  save();
}

// What an earlier visit left in this browser is shown in the form, and saved as if it had just been typed: with the
// version that it started from, for the server to tell whether another one was saved since.
function putBack(text) {
  const draft = new URLSearchParams(text);
  if (showMoreRows(draft)) return;
  for (const control of form.elements) {
    const values = draft.getAll(control.name);
    if (control.name.endsWith("-rows") || control.name === "csrfmiddlewaretoken" || control.type === "submit") continue;
    if (control.type === "checkbox" || control.type === "radio") control.checked = values.includes(control.value);
    else if (control.type === "select-multiple") for (const option of control.options) option.selected = values.includes(option.value);
    else if (values.length) control.value = values[0];
  }
  borrowed = true;
  dirty = true;
  status.textContent = "Un texte gardé dans ce navigateur est remis dans la page et s’enregistre.";
  save();
}

// A table may have had more rows: the page is then asked for again with as many. True where it is.
function showMoreRows(draft) {
  const address = new URL(location.href);
  for (const [name, rows] of draft) {
    if (name.endsWith("-rows") && Number(rows) > Number(form.elements[name]?.value)) {
      address.searchParams.set(`lignes-${name.slice(0, -"-rows".length)}`, rows);
    }
  }
  if (address.href === location.href) return false;
  location.replace(address);
  return true;
}

function nameThisPage() {
  form.elements.page.value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  borrowed = false;
}

function begin() {
  nameThisPage();
  form.addEventListener("input", () => { note(); later(QUIET); });
  form.addEventListener("change", () => { note(); later(200); });
  form.addEventListener("submit", hold);
  document.addEventListener("visibilitychange", save);
  addEventListener("online", save);
  form.addEventListener("htmx:beforeRequest", () => { saving += 1; });
  form.addEventListener("htmx:afterRequest", told);
  form.addEventListener("htmx:afterSettle", (event) => {
    const rows = event.target.closest("[id^=lignes-]");
    rows?.querySelector("tbody tr:last-child :is(input, select, textarea)")?.focus();
  });
  const draft = drafts.read();
  if ("restored" in form.dataset) note();
  else if (draft) putBack(draft);
}

// htmx is ready by then; without it, the form and its buttons do as they do without any script.
if (form) document.addEventListener("DOMContentLoaded", () => { if (globalThis.htmx) begin(); });
for (const choice of document.querySelectorAll("[data-settles-draft]")) {
  choice.addEventListener(choice.matches("form") ? "submit" : "click", () => drafts.drop());
}
