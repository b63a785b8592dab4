// First in the page, so that an error anywhere later is kept where a reader, or a test, finds it.
"use strict";
window.gradproof = { errors: [] };
window.onerror = (message, source, line) => {
  gradproof.errors.push(`${message} (line ${line})`);
  document.documentElement.dataset.errors = gradproof.errors.join("; ");
};
window.onunhandledrejection = (event) => window.onerror(event.reason, "", 0);
