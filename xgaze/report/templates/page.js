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
