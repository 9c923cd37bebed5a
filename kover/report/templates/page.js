"use strict";
(() => {
  const graph = document.querySelector(".graph");
  const side = document.querySelector("#detail");
  if (!graph || !side) return;
  const svg = graph.querySelector("svg");
  const nodes = new Map();
  for (const node of svg.querySelectorAll(".node")) nodes.set(node.dataset.id, node);
  const steps = [...document.querySelectorAll(".side li button")].map((button) => button.dataset.id);
  const wide = Number(svg.getAttribute("width"));
  const high = Number(svg.getAttribute("height"));
  let zoom = 1;
  let chosen = null;

  const say = (tag, text, name) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const choose = (id, centre) => {
    const node = nodes.get(id);
    if (!node) return;
    if (chosen) chosen.classList.remove("chosen");
    chosen = node;
    node.classList.add("chosen");
    const detail = document.getElementById(`about-${id}`);
    side.replaceChildren();
    if (detail) {
      side.append(detail.content.cloneNode(true));
    } else {
      side.append(say("h3", node.dataset.path));
      side.append(say("p", node.dataset.kind, "faint"));
      side.append(say("p", graph.dataset.quiet));
    }
    side.parentElement.scrollTop = 0;
    if (centre) node.scrollIntoView({ block: "center", inline: "center" });
  };

  svg.addEventListener("click", (event) => {
    const node = event.target.closest(".node");
    if (node) choose(node.dataset.id, false);
  });
  svg.addEventListener("keydown", (event) => {
    const node = event.target.closest(".node");
    if (node && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      choose(node.dataset.id, false);
    }
  });
  for (const button of document.querySelectorAll("button[data-id]")) {
    button.addEventListener("click", () => choose(button.dataset.id, true));
  }

  const scale = (factor) => {
    zoom = Math.min(4, Math.max(0.02, factor));
    svg.setAttribute("width", wide * zoom);
    svg.setAttribute("height", high * zoom);
  };
  const walk = (by) => {
    if (!steps.length) return;
    const at = chosen ? steps.indexOf(chosen.dataset.id) : -1;
    const next = at < 0 && by < 0 ? steps.length - 1 : at + by;
    choose(steps[(next + steps.length) % steps.length], true);
  };
  const actions = {
    closer: () => scale(zoom * 1.25),
    farther: () => scale(zoom / 1.25),
    fit: () => scale(Math.min((graph.clientWidth - 40) / wide, (graph.clientHeight - 40) / high)),
    actual: () => scale(1),
    next: () => walk(1),
    previous: () => walk(-1),
    only: () => graph.classList.toggle("only"),
  };
  for (const button of document.querySelectorAll("button[data-does]")) {
    button.addEventListener("click", actions[button.dataset.does]);
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n") walk(1);
    if (event.key === "p") walk(-1);
  });

  const seek = document.querySelector("#seek");
  if (seek) {
    seek.addEventListener("input", () => {
      const wanted = seek.value.trim().toLowerCase();
      graph.classList.toggle("seeking", wanted !== "");
      let first = null;
      for (const node of nodes.values()) {
        const text = `${node.dataset.path} ${node.dataset.kind}`.toLowerCase();
        const hit = wanted !== "" && text.includes(wanted);
        node.classList.toggle("found", hit);
        if (hit && !first) first = node;
      }
      if (first) first.scrollIntoView({ block: "center", inline: "center" });
    });
  }
  if (steps.length) choose(steps[0], true);
  window.scrollTo(0, 0);
})();
