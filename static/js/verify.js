// The file stays on this computer: only its fingerprint is sent. Where the browser cannot compute it, the form sends
// the file itself, as without this script.
const form = document.querySelector("[data-verify]");
const file = form?.elements.file;
const status = form?.querySelector("[role=status]");

async function sendFingerprint(event) {
  if (!file.files.length || !globalThis.crypto?.subtle) return;
  event.preventDefault();
  status.textContent = "Calcul de l’empreinte…";
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.files[0].arrayBuffer());
    form.elements.sha256.value = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    file.disabled = true; // a disabled field is not sent
    form.submit();
    file.disabled = false;
  } catch {
    status.textContent = "Ce fichier ne peut être lu. Choisissez-le de nouveau.";
  }
}

function take(event) {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  file.files = event.dataTransfer.files;
  form.requestSubmit();
}

if (form) {
  form.elements.sha256.value = "";
  form.addEventListener("submit", sendFingerprint);
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", take);
  form.querySelector("[data-with-script]").hidden = false;
  form.querySelector("[data-without-script]").hidden = true;
}
