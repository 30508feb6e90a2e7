// Every page: what is live on it, and its logs. Without this the pages read and their forms work all the same.
import { follow } from "./live.js";
import { watch } from "./log.js";

const main = document.getElementById("main");
for (const pre of document.querySelectorAll("pre[data-log]")) watch(pre);
if (main.dataset.live !== undefined) follow(main);
const first = document.getElementById("first-failure");
if (first && !location.hash) {
  const log = first.closest("pre");
  log.scrollTop = first.offsetTop - log.offsetTop - 60;
}
