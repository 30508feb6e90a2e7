// Follows what happens: one stream, resumed by its ids; where no stream is to be had the page asks, and says so.
import { show } from "./badge.js";
import { watch } from "./log.js";

const ASK_EVERY = 3000;
const REFRESH_AFTER = 400;
const REFRESH_AT_MOST_EVERY = 2000;
const REFRESH_ANYWAY = 60000;
const FEED_LINES = 60;

let after = 0;
let refreshed = 0;
let waiting = null;

export function follow(main) {
  after = Number(main.dataset.after) || 0;
  const topic = main.dataset.live;
  stream(topic);
  setInterval(() => document.hidden || refresh(), REFRESH_ANYWAY);
}

function stream(topic) {
  const source = new EventSource(`/console/events?${topic}${topic ? "&" : ""}after=${after}`);
  const leave = () => source.close();
  addEventListener("pagehide", leave, { once: true });
  source.onopen = () => say("is-live", "live");
  source.onmessage = (message) => take(JSON.parse(message.data));
  source.addEventListener("over", () => {
    source.close();
    say("is-gone", "signed out: reload to sign in");
  });
  source.addEventListener("reload", () => {
    source.close();
    say("is-gone", "gone: reload the page");
  });
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) {
      say("is-asking", "connecting again");
      return;
    }
    removeEventListener("pagehide", leave);
    ask(topic, 1);
  };
}

async function ask(topic, turn) {
  say("is-asking", `asking every ${ASK_EVERY / 1000} s`);
  try {
    const answer = await fetch(`/console/facts?${topic}${topic ? "&" : ""}after=${after}`);
    if (answer.status === 401) {
      say("is-gone", "signed out: reload to sign in");
      return;
    }
    if (answer.ok) take(await answer.json());
  } catch {
    say("is-gone", "the server does not answer");
  }
  // Now and then: there may be a stream for us by now.
  setTimeout(() => (turn % 10 ? ask(topic, turn + 1) : stream(topic)), ASK_EVERY);
}

function take(said) {
  after = said.after;
  for (const fact of said.facts) {
    if (fact.kind === "event") {
      if (tell(fact)) soon();
    } else if (!show(fact)) {
      soon();
    }
  }
}

// A line of the feed. Says whether it is new: after a gap some come twice.
function tell(fact) {
  const feed = document.querySelector("[data-feed]");
  if (!feed) return true;
  if (feed.querySelector(`[data-event="${CSS.escape(String(fact.id))}"]`)) return false;
  const line = document.createElement("li");
  line.className = `tone-${fact.tone}`;
  line.dataset.event = fact.id;
  const at = document.createElement("time");
  at.textContent = fact.at;
  const message = document.createElement("span");
  message.textContent = fact.message;
  line.append(at, message);
  feed.prepend(line);
  while (feed.children.length > FEED_LINES) feed.lastElementChild.remove();
  document.getElementById("announce").textContent = fact.message;
  return true;
}

function soon() {
  if (waiting !== null) return;
  const since = Date.now() - refreshed;
  waiting = setTimeout(refresh, Math.max(REFRESH_AFTER, REFRESH_AT_MOST_EVERY - since));
}

// Takes the sections of the page anew, for rows that it did not have. What has the focus keeps it.
async function refresh() {
  clearTimeout(waiting);
  waiting = null;
  refreshed = Date.now();
  let answer;
  try {
    answer = await fetch(location.href, { headers: { "Toque-Refresh": "1" } });
  } catch {
    return;
  }
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const section of document.querySelectorAll("[data-section]")) {
    const now = fresh.querySelector(`[data-section="${section.dataset.section}"]`);
    if (!now || now.innerHTML === section.dataset.last) continue;
    section.dataset.last = now.innerHTML;
    if (keepsItsLog(section, now)) continue;
    const focused = section.contains(document.activeElement) ? pathOf(document.activeElement) : null;
    section.replaceChildren(...now.childNodes);
    if (focused) section.querySelector(focused)?.focus();
    for (const pre of section.querySelectorAll("pre[data-log]")) watch(pre);
  }
}

// A log that grows stays where it is until another command has one: its end is what one wants to read.
function keepsItsLog(section, now) {
  const old = section.querySelector("pre[data-log]");
  if (old === null) return false;
  const next = now.querySelector("pre[data-log]");
  return next === null || next.dataset.log === old.dataset.log;
}

function pathOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  const action = element.form?.getAttribute("action");
  return action ? `form[action="${CSS.escape(action)}"] button` : "a";
}

function say(mood, word) {
  const light = document.getElementById("live");
  if (!light) return;
  light.hidden = false;
  light.className = `live ${mood}`;
  document.getElementById("live-word").textContent = word;
}
