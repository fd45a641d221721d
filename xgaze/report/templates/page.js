for (const one of document.querySelectorAll("[data-scripted]")) one.hidden = false;
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0];
    const column = [...head.parentNode.children].indexOf(head);
    const rising = head.getAttribute("aria-sort") !== "ascending";
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const figure = text => text === "-inf" ? -Infinity : text === "" ? NaN : Number(text);
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)], [m, n] = [figure(x), figure(y)];
      return Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : m < n ? -1 : m > n ? 1 : 0;
    };
    for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    body.append(...[...body.rows].sort((a, b) => (rising ? 1 : -1) * compare(a, b)));
  });
}
const links = new Map([...document.querySelectorAll("nav a")].map(link => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) {
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target.dataset.named).setAttribute("aria-current", "true");
  }
}, { rootMargin: "-10% 0px -80% 0px" });
for (const id of links.keys()) {
  const section = document.getElementById(id).closest("section");
  section.dataset.named = id;
  watcher.observe(section);
}
for (const box of document.querySelectorAll(".box.scroll")) {
  const rows = [...box.querySelectorAll("tbody tr")], label = document.createElement("label");
  const asked = document.createElement("input"), found = document.createElement("span");
  asked.type = "search";
  found.setAttribute("role", "status");
  label.className = "filter";
  label.append("Only rows with ", asked, found);
  asked.setAttribute("aria-label", `Filter ${box.getAttribute("aria-label")}`);
  asked.addEventListener("input", () => {
    const words = asked.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
    found.textContent = words.length ? `${rows.filter(row => !row.hidden).length} of ${rows.length} rows` : "";
  });
  box.before(label);
}
for (const group of document.querySelectorAll(".spots")) {
  const spots = [...group.children], told = document.createElement("p");
  const asked = "Point at a mark, or go through them with the arrow keys.";
  told.className = "told soft";
  told.setAttribute("role", "status");
  told.textContent = asked;
  group.closest("svg").setAttribute("role", "group");
  group.closest(".plot").after(told);
  const show = spot => {
    for (const one of spots) one.classList.toggle("on", one === spot);
    told.textContent = spot.getAttribute("aria-label");
  };
  const go = place => {
    for (const [k, one] of spots.entries()) one.tabIndex = k === place ? 0 : -1;
    spots[place].focus();
  };
  spots.forEach((spot, place) => {
    spot.setAttribute("role", "img");
    spot.setAttribute("aria-label", spot.textContent);
    spot.replaceChildren();
    spot.tabIndex = place === 0 ? 0 : -1;
    spot.addEventListener("pointerenter", () => show(spot));
    spot.addEventListener("focus", () => show(spot));
    spot.addEventListener("keydown", event => {
      const last = spots.length - 1, steps = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last };
      if (!(event.key in steps)) return;
      event.preventDefault();
      go(Math.min(Math.max(steps[event.key], 0), last));
    });
  });
}
