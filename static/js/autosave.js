// A section is saved as it is typed. What could not be saved (connection lost, session expired) stays in this browser
// and is sent again; a button waits for the last words to be saved, so that no error page ever swallows them.
const QUIET = 1500; // ms without a keystroke
const AGAIN = 15000; // ms before another try
const KEPT = 24 * 3600 * 1000; // ms that a draft stays in this browser
const draftKey = `brouillon ${location.pathname}`;
const form = document.querySelector("[data-autosave]");
const status = document.getElementById("enregistrement");
let timer, waiting, dirty = false, saving = 0;
let unsettled = false; // a text of an earlier visit, kept in this browser, that the server has not taken yet

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
  if (!unsettled) drafts.write(typed());
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
    if (!dirty && !saving && !unsettled) drafts.drop();
    if (waiting && !dirty && !saving) submitFor(waiting);
  } else if (xhr.status === 409 || xhr.status === 401) {
    // The server has both versions shown, or keeps the text until its author has signed in: for a form sent for good.
    if (elt !== form) submitFor(elt);
    else if (waiting) submitFor(waiting);
  } else if (xhr.status === 403 && !sessionStorage.getItem(draftKey)) {
    // Signed in again elsewhere: this page's token is out of date. The page made anew sends the draft.
    sessionStorage.setItem(draftKey, "reloaded");
    if (!unsettled) drafts.write(typed());
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
  form.dataset.final = "";
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

// Tried until the server has taken it: until then nothing that is typed takes its place in this browser.
async function sendDraft(draft) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const headers = { "HX-Request": "true", "X-CSRFToken": token };
  unsettled = true;
  try {
    const answer = await fetch(location.pathname, { method: "POST", body: new URLSearchParams(draft), headers });
    if (answer.status === 200) {
      unsettled = false;
      drafts.drop();
      sessionStorage.removeItem(draftKey);
      if (!dirty && !saving) location.reload();
      else save(); // something was typed meanwhile: the server shows both
      return;
    }
    if (answer.status === 409) {
      for (const [name, value] of new URLSearchParams(draft)) put(name, value);
      status.innerHTML = await answer.text();
      return;
    }
  } catch {
    // no connection: the same as a server that does not take it
  }
  status.textContent = "Un texte gardé dans ce navigateur n’a pas encore pu être envoyé. Il le sera au retour de la connexion.";
  setTimeout(() => sendDraft(draft), AGAIN);
}

// A draft that disagrees with what was saved since is sent in place of the form, which is not shown any more.
function put(name, value) {
  if (!form.dataset.draft) {
    for (const control of [...form.elements]) if (control.name && control.name !== "csrfmiddlewaretoken") control.disabled = true;
    form.dataset.draft = "";
  }
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
}

function begin() {
  form.elements.page.value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  form.addEventListener("input", () => { note(); later(QUIET); });
  form.addEventListener("change", () => { note(); later(200); });
  form.addEventListener("submit", hold);
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  addEventListener("online", save);
  form.addEventListener("htmx:beforeRequest", () => { saving += 1; });
  form.addEventListener("htmx:afterRequest", told);
  form.addEventListener("htmx:afterSettle", (event) => {
    const rows = event.target.closest("[id^=lignes-]");
    rows?.querySelector("tbody tr:last-child :is(input, select, textarea)")?.focus();
  });
  const draft = drafts.read();
  if ("restored" in form.dataset) note();
  else if (draft) sendDraft(draft);
}

if (form && globalThis.htmx) begin(); // without it, the form and its buttons do as they do without any script
for (const choice of document.querySelectorAll("[data-settles-draft]")) {
  choice.addEventListener(choice.matches("form") ? "submit" : "click", () => drafts.drop());
}
