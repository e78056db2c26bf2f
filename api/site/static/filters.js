// The panel of filters: names are suggested while one types. The form works without it.
"use strict";

for (const field of document.querySelectorAll("[data-names]")) {
  let asking = null;
  field.addEventListener("input", () => {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const asked = field.value.trim();
      if (asked.length < 2) { return; }
      const response = await fetch(`/fragments/names?kind=${field.dataset.names}&q=${encodeURIComponent(asked)}`);
      if (response.ok && field.value.trim() === asked) { field.list.innerHTML = await response.text(); } // escaped by our server
    }, 150);
  });
}

// What is empty is not asked for: the address stays one that can be shared.
document.getElementById("filters").addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) { if (!value.trim()) { event.formData.delete(name); } }
});
