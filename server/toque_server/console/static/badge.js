// Writes facts where the page has a place for them. Text goes in as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  drawing.append(use);
  return drawing;
}

// Show a state in each of its badges. Says whether the page has one.
export function show(fact) {
  const name = `${fact.kind}:${fact.id}`;
  const badges = document.querySelectorAll(`[data-badge="${CSS.escape(name)}"]`);
  for (const badge of badges) {
    const word = document.createElement("span");
    word.textContent = fact.word;
    if (badge.textContent.trim() === fact.word) continue;
    badge.className = `state tone-${fact.tone} changed`;
    badge.replaceChildren(icon(fact.icon), word);
  }
  for (const field of ["seconds", "exit", "reason"]) {
    if (fact[field] === undefined) continue;
    for (const place of document.querySelectorAll(`[data-field="${CSS.escape(`${name}:${field}`)}"]`)) {
      if (place.textContent !== fact[field]) place.textContent = fact[field];
    }
  }
  return badges.length > 0;
}
