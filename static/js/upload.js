// Sends the files of a piece one by one, with their progress; a lost connection loses nothing: what has not left stays
// on the page and leaves again when the connection is back. Then follows their verification. Without this script, the
// form sends the files itself and the page is refreshed by hand.
const form = document.querySelector("[data-upload]");
const CHECK_EVERY = 2500; // milliseconds
const CHECK_FOR = 120;
const AGAIN_AFTER = 4000;
const field = form?.querySelector("input[type=file]");
const list = form?.querySelector("[data-sendings]");
const status = form?.querySelector("[data-status]");
const waiting = []; // sendings in their order
let busy = false;
let checks = 0;

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

class Sending {
  constructor(file) {
    this.file = file;
    this.row = element("li", "portal-sending");
    this.name = element("span", "portal-sending__name", file.name);
    this.told = element("span", "portal-sending__told fr-text--sm", "En attente");
    this.progress = element("progress", "portal-progress");
    this.progress.max = 100;
    this.progress.value = 0;
    this.progress.setAttribute("aria-label", `Envoi de ${file.name}`);
    this.again = element("button", "fr-btn fr-btn--sm fr-btn--secondary", "Réessayer");
    this.again.type = "button";
    this.again.hidden = true;
    this.again.addEventListener("click", () => queue(this));
    this.row.append(this.name, this.told, this.progress, this.again);
    list.append(this.row);
  }

  tell(text, aloud = false) {
    this.told.textContent = text;
    if (aloud) status.textContent = `${this.file.name} : ${text}`;
  }

  // Resolves once the server has answered; rejects where nothing says that it took the file.
  send() {
    this.again.hidden = true;
    this.progress.hidden = false;
    this.row.classList.remove("portal-sending--failed");
    this.tell("Envoi en cours", true);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "application/json");
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        const percent = Math.round((100 * event.loaded) / event.total);
        this.progress.value = percent;
        this.tell(percent < 100 ? `${percent} %` : "Arrivé, enregistrement…");
      });
      request.addEventListener("load", () => {
        if (request.status === 200 && request.response) resolve(request.response);
        else reject([401, 403].includes(request.status) ? "session" : request.status);
      });
      for (const failure of ["error", "abort", "timeout"]) request.addEventListener(failure, () => reject("connection"));
      const body = new FormData();
      for (const hidden of form.querySelectorAll("input[type=hidden]")) body.append(hidden.name, hidden.value);
      body.append(field.name, this.file, this.file.name);
      request.send(body);
    });
  }

  taken() {
    this.row.remove();
    status.textContent = `${this.file.name} : reçu, vérification en cours.`;
  }

  refused(reasons) {
    this.progress.hidden = true;
    this.row.classList.add("portal-sending--failed");
    this.tell(reasons.join(" "), true);
  }

  failed(why) {
    this.progress.hidden = true;
    this.again.hidden = false;
    this.row.classList.add("portal-sending--failed");
    const reasons = {
      connection: "La connexion s’est interrompue. Le fichier repartira dès qu’elle reviendra.",
      session: "Votre session a expiré. Reconnectez-vous dans un autre onglet, puis réessayez ici.",
      413: "Ce fichier est trop lourd. Réduisez-le, puis choisissez-le de nouveau.",
    };
    this.tell(reasons[why] ?? "Le portail n’a pas répondu comme prévu. Réessayez dans un instant.", true);
    this.lost = why === "connection";
    if (this.lost) setTimeout(() => this.lost && navigator.onLine && queue(this), AGAIN_AFTER);
  }
}

function queue(sending) {
  sending.lost = false;
  if (waiting.includes(sending)) return;
  waiting.push(sending);
  next();
}

async function next() {
  if (busy || !waiting.length) return;
  busy = true;
  const sending = waiting.shift();
  try {
    const answer = await sending.send();
    if (answer.taken.length) sending.taken();
    else sending.refused(answer.refusals);
    if (answer.taken.length) await refresh();
  } catch (why) {
    sending.failed(why);
  }
  busy = false;
  next();
}

function begin(event) {
  if (!field.files.length) return; // the server says what is missing
  event.preventDefault();
  for (const file of field.files) queue(new Sending(file));
  field.value = "";
}

// The list of files, as the server tells it.
async function refresh() {
  const files = document.querySelector("[data-files]");
  try {
    const answer = await fetch(files.dataset.address, { redirect: "error" });
    if (!answer.ok) return;
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    const before = files.hasAttribute("data-waiting");
    checks = 0;
    const renewed = made.content.querySelector("[data-files]");
    if (renewed.dataset.files === files.dataset.files) return; // nothing new: its pictures stay
    if (!files.contains(document.activeElement)) files.replaceWith(renewed);
    if (before && !renewed.hasAttribute("data-waiting") && status) status.textContent = "La vérification est terminée.";
  } catch {
    // the next check will do
  }
}

async function follow() {
  if (document.querySelector("[data-waiting]") && !busy && !document.hidden && checks < CHECK_FOR) {
    const passed = checks + 1;
    await refresh();
    checks = passed;
  }
  setTimeout(follow, CHECK_EVERY);
}

function take(event) {
  event.preventDefault();
  for (const file of event.dataTransfer.files) queue(new Sending(file));
}

function warn(event) {
  if (busy || waiting.length || list?.querySelector(".portal-sending--failed button:not([hidden])")) event.preventDefault();
}

if (form) {
  form.querySelector("[data-with-script]").hidden = false;
  form.querySelector("[data-without-script]").hidden = true;
  form.addEventListener("submit", begin);
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", take);
  field.addEventListener("change", () => form.requestSubmit());
  addEventListener("online", () => list.querySelectorAll("li button:not([hidden])").forEach((button) => button.click()));
  addEventListener("beforeunload", warn);
  if (field.files.length) form.requestSubmit(); // chosen before this script had come, on a slow connection
}
if (document.querySelector("[data-files]")) setTimeout(follow, CHECK_EVERY);
