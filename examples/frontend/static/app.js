"use strict";
// Everything works without this script: it saves the eye a reload, and the server a second request.

// A form is sent once. Sent twice it would be one job all the same, by its key.
const form = document.querySelector("form[data-once]");
if (form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Submitting…";
  });
  // Back from a job's page: this form has been used, a fresh one has a key of its own.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
  const wrong = document.querySelector("[aria-invalid=true]") || document.getElementById("trouble");
  if (wrong) wrong.focus();
}

// A job's page is fetched again until the job has ended, ever more seldom while nothing happens.
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 10000;
const job = document.getElementById("job");
let pause = FIRST_PAUSE;

function put(element, fresh) {
  if (element.innerHTML !== fresh.innerHTML) element.replaceChildren(...fresh.childNodes);
}

async function look() {
  const news = document.getElementById("news");
  try {
    const answer = await fetch(window.location.href, { cache: "no-store", redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("job");
    if (!fresh) throw new Error(`the answer was ${answer.status}`);
    const said = page.getElementById("news");
    pause = said.textContent === news.textContent ? Math.min(LONGEST_PAUSE, pause * 1.2) : FIRST_PAUSE;
    news.className = said.className;
    document.title = page.title;
    put(document.querySelector("h1"), page.querySelector("h1"));
    put(document.getElementById("rest"), page.getElementById("rest"));
    job.dataset.final = fresh.dataset.final;
    job.dataset.state = fresh.dataset.state;
    put(news, said);
  } catch {
    pause = Math.min(LONGEST_PAUSE, pause * 1.5);
    news.className = "news waiting";
    const told = "The service does not answer at this moment. The job goes on, and this page keeps trying.";
    if (news.textContent !== told) news.textContent = told;
  }
  again();
}

function again() {
  if (job.dataset.final === "yes") return;
  setTimeout(() => (document.hidden ? again() : look()), pause);
}

if (job) again();
