// Whoever signs out leaves nothing behind on a shared computer: drafts that could not be sent go too (autosave.js).
for (const form of document.querySelectorAll("form[action$='/logout/']")) {
  form.addEventListener("submit", () => {
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith("brouillon ")) localStorage.removeItem(key);
    } catch {} // a browser that keeps nothing
  });
}
