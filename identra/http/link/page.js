"use strict";
const found = /^#code=([0-9]{6,10})$/.exec(location.hash);
// Neither the history nor what is synchronised from it needs to know the code.
history.replaceState(null, "", location.pathname);
if (found) {
  const show = document.getElementById("show");
  document.getElementById("says").textContent =
    "The link you opened brings a code. Type it where you asked to sign in, and nowhere else.";
  show.hidden = false;
  show.addEventListener("click", () => {
    show.hidden = true;
    document.getElementById("code").textContent = found[1];
  });
}
