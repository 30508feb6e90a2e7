// A log that grows: asks for what came since, by offset, as long as the command runs. Runs of text become text nodes.
import { show } from "./badge.js";

const EVERY = 1000;
const AFTER_TROUBLE = 5000;
const MOST_NODES = 8000;

export function watch(pre) {
  const main = pre.dataset.main !== undefined;
  const box = main ? document.getElementById("follow") : null;
  const state = { pre, next: Number(pre.dataset.next) || 0, box, main };
  if (box) {
    box.closest("label").hidden = false;
    box.addEventListener("change", () => box.checked && toEnd(pre));
    // Scrolling away from the end is to stop following; back to it, to follow again.
    pre.addEventListener("scroll", () => (box.checked = atEnd(pre)));
    if (box.checked) toEnd(pre);
  }
  turn(state);
}

async function turn(state) {
  if (!state.pre.isConnected) return;
  let wait = EVERY;
  try {
    const answer = await fetch(`${state.pre.dataset.log}?offset=${state.next}`);
    if (answer.status === 401) return word(state, "You are signed out: reload to sign in.");
    if (answer.status === 404) return word(state, "This command is gone.");
    if (!answer.ok) throw new Error(String(answer.status));
    const piece = await answer.json();
    take(state, piece);
    if (piece.complete && !piece.more) return finish(state);
    if (piece.more) wait = EVERY / 4;
  } catch {
    word(state, "The server does not answer; trying again.");
    wait = AFTER_TROUBLE;
  }
  setTimeout(() => turn(state), wait);
}

function take(state, piece) {
  const { pre } = state;
  const following = state.box ? state.box.checked : atEnd(pre);
  if (piece.skipped) gap(pre, piece.skipped);
  for (const [classes, text] of piece.runs) {
    if (!classes) {
      pre.append(document.createTextNode(text));
      continue;
    }
    const run = document.createElement("span");
    run.className = classes;
    run.textContent = text;
    if (classes.includes("failure") && !document.getElementById("first-failure")) run.id = "first-failure";
    pre.append(run);
  }
  while (pre.childNodes.length > MOST_NODES) pre.firstChild.remove();
  state.next = piece.next;
  show(piece.state);
  if (state.main) {
    document.getElementById("log-size").textContent = `${piece.size.toLocaleString("en")} bytes`;
    if (piece.runs.length) document.getElementById("log-empty")?.remove();
    word(state, piece.complete ? "" : "growing");
  }
  if (following && piece.runs.length) toEnd(pre);
}

function gap(pre, bytes) {
  const line = document.createElement("span");
  line.className = "skipped";
  line.textContent = `… ${bytes.toLocaleString("en")} bytes skipped: it grew faster than this page reads …`;
  pre.append(line);
}

function finish(state) {
  word(state, "The run has ended.");
  const failure = document.getElementById("first-failure");
  if (!state.main || !failure || !state.box.checked) return;
  state.box.checked = false;
  state.pre.scrollTop = failure.offsetTop - state.pre.offsetTop - 60;
}

function word(state, text) {
  if (state.main) document.getElementById("log-word").textContent = text;
}

function atEnd(pre) {
  return pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
}

function toEnd(pre) {
  pre.scrollTop = pre.scrollHeight;
}
