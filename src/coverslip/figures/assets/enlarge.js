// A figure in full size, for a look at its details.
"use strict";
for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    document.querySelector("#large img").src = button.firstElementChild.src;
    document.getElementById("large").showModal();
  });
}
document.getElementById("large").addEventListener("click", () => document.getElementById("large").close());
