"use strict";
// Everything works without this script: it saves the eye a reload, and keeps the place of whoever reads.

// An order is sent once. Sent twice it would be one order all the same, by its id.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.querySelector("button").setAttribute("aria-disabled", "true");
  });
  // Back from where it led: the form may be used again, as the same order.
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    form.querySelector("button").removeAttribute("aria-disabled");
  });
  const wrong = form.querySelector("[aria-invalid=true]");
  if (wrong) wrong.focus();
}

// Makes an element like a fresh one, and leaves alone what is the same: focus, selection and scroll stay where they are.
function renew(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const known = new Map([...old.children].filter((it) => it.id).map((it) => [it.id, it]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.id && known.get(child.id);
    if (same && same !== place) {
      old.insertBefore(same, place);
      place = same;
    }
    if (!place) {
      old.append(document.importNode(child, true));
    } else if (!same && (place.id || child.id)) {
      old.insertBefore(document.importNode(child, true), place);
    } else {
      const next = place.nextSibling;
      renew(place, child);
      place = next;
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

const BUSY = 2000;
const CALM = 5000;
const HIDDEN = 30000; // the title tells whoever has another tab open
const LONGEST = 30000;
const GIVEN_UP = 45000; // a call of AWS may take six seconds, and a page makes several
const main = document.querySelector("main[data-live]");
const trouble = document.getElementById("trouble");
let failures = 0;
let timer = 0;
let looking = false;

function say(line) {
  if (trouble.textContent !== line) trouble.textContent = line;
  trouble.hidden = line === "";
  document.getElementById("seen").classList.toggle("late", line !== "");
}

async function look() {
  if (looking) return;
  looking = true;
  clearTimeout(timer);
  try {
    const answer = await fetch(window.location.href, {
      cache: "no-store", credentials: "same-origin", headers: { Accept: "text/html" }, redirect: "error",
      signal: AbortSignal.timeout(GIVEN_UP),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main[data-live]");
    if (answer.ok && fresh) {
      const had = main.contains(document.activeElement);
      renew(main, fresh);
      // What had the focus is gone, as a button is whose order was given: the keyboard goes on from here.
      if (had && document.activeElement === document.body) main.focus({ preventScroll: true });
      renew(document.getElementById("seen"), page.getElementById("seen"));
      if (document.title !== page.title) document.title = page.title;
      failures = 0;
      say("");
    } else if (answer.ok) {
      window.location.reload(); // what was watched is over: the page is another one now, and comes no more by itself
      return;
    } else {
      failures += 1;
      say(page.getElementById("trouble")?.textContent || `The dashboard answered ${answer.status}.`);
    }
  } catch (error) {
    failures += 1;
    say(
      error.name === "TimeoutError"
        ? "AWS takes long to answer; this page keeps trying."
        : "The dashboard does not answer. Was it ended? Start it again: canary-router dashboard.",
    );
  } finally {
    looking = false;
  }
  again();
}

function again() {
  const pause = main.dataset.busy === "yes" ? BUSY : CALM;
  const patient = Math.min(LONGEST, pause * 2 ** Math.min(failures, 4));
  clearTimeout(timer);
  timer = setTimeout(look, document.hidden ? HIDDEN : patient);
}

if (main) {
  // A tab that was asleep, a machine that was, a network that was away: look at once.
  document.addEventListener("visibilitychange", () => (document.hidden ? again() : look()));
  window.addEventListener("pageshow", (event) => event.persisted && look());
  window.addEventListener("online", look);
  again();
}
