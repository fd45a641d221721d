/* How a prediction is shown and told, by the kind of what is predicted: a gaze point in its scene, a class, a value. A view draws
   once, is told of another sample, shows what is predicted, and names the columns of the table of figures. */
const LiveViews = (() => {
  const at = id => document.getElementById(id);
  const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]), mean = values => values.reduce((a, b) => a + b, 0) / values.length;
  const told = (value, digits = 1) => {
    const text = value.toFixed(digits);
    return text.replace("-", Number(text) ? "\u2212" : "");  // zero has no sign
  };

  function made(kind, attributes = {}, ...children) {
    const one = document.createElement(kind);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  }

  function drawn(kind, attributes, ...children) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  }

  /* page: scene, classes, digits, live, samples, shown (what is shown now), names (of forms), forms (those that run),
     slides(form), along(form, amounts), and refresh(). */
  function gaze(page) {
    const { scene, samples, shown, names, forms } = page, marks = {};

    /* A person's map from the points that were clicked: a shift, or from three points on affine, by least squares. */
    function calibration(form) {
      const own = [...shown.known].filter(k => samples[k].group === samples[shown.number].group);
      const pairs = own.map(k => [samples[k][form], samples[k].truth]);
      if (!pairs.length) return { own, map: point => point };
      const shift = [0, 1].map(axis => mean(pairs.map(([point, truth]) => truth[axis] - point[axis])));
      const shifted = { own, map: point => [point[0] + shift[0], point[1] + shift[1]] };
      if (pairs.length < 3) return shifted;
      const middle = [0, 1].map(axis => mean(pairs.map(([point]) => point[axis])));
      const sums = (a, b) => pairs.reduce((sum, pair) => sum + a(pair) * b(pair), 0);
      const x = ([point]) => point[0] - middle[0], y = ([point]) => point[1] - middle[1];
      const [xx, xy, yy] = [sums(x, x), sums(x, y), sums(y, y)], room = xx * yy - xy * xy;
      if (room < 1e-3 * xx * yy || !room) return shifted;
      const rows = [0, 1].map(axis => {
        const target = ([, truth]) => truth[axis], [xt, yt] = [sums(x, target), sums(y, target)];
        return [(xt * yy - yt * xy) / room, (yt * xx - xt * xy) / room, middle[axis] + shift[axis]];
      });
      const affine = point => rows.map(([a, b, c]) => a * (point[0] - middle[0]) + b * (point[1] - middle[1]) + c);
      return { own, map: affine };
    }

    function draw() {
      const unit = scene[0] / 100;
      marks.path = drawn("polyline", { class: "path", points: "" });
      marks.off = drawn("line", { class: "off" });
      marks.rings = drawn("g", {});
      marks.truth = drawn("path", { class: "truth" });
      for (const form of ["teacher", ...Object.keys(forms).reverse()]) marks[form] = drawn("circle", { class: form, r: unit });
      at("live-scene").append(marks.path, marks.off, marks.rings, marks.truth, ...Object.keys(names).map(form => marks[form])
        .filter(Boolean).reverse());
      at("live-clear").addEventListener("click", () => { shown.known.clear(); take(); page.refresh(); });
    }

    function take() {
      const rings = samples.map((sample, k) => ({ sample, k })).filter(({ sample }) => sample.group === samples[shown.number].group);
      marks.rings.replaceChildren(...rings.map(({ sample, k }) => {
        const ring = drawn("circle", { class: "known", role: "button", tabindex: 0, "aria-pressed": shown.known.has(k),
          "aria-label": `Calibrate on ${sample.id}`, cx: sample.truth[0], cy: sample.truth[1], r: scene[0] / 55 });
        const turn = () => {
          if (!shown.known.delete(k)) shown.known.add(k);
          ring.setAttribute("aria-pressed", shown.known.has(k));
          page.refresh();
        };
        ring.addEventListener("click", turn);
        ring.addEventListener("keydown", event => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); turn(); }
        });
        return ring;
      }));
      const [x, y] = samples[shown.number].truth, arm = scene[0] / 70;
      marks.truth.setAttribute("d", `M${x - arm} ${y}h${2 * arm}M${x} ${y - arm}v${2 * arm}`);
    }

    function show(form, sample) {
      const { own, map } = calibration(form), point = map(shown.points[form]);
      for (const [name, mark] of Object.entries(marks).filter(([name]) => names[name])) {
        const [x, y] = name === form ? point : shown.points[name] ?? sample[name];
        mark.setAttribute("cx", x), mark.setAttribute("cy", y);
        mark.setAttribute("r", scene[0] / (name === form ? 75 : 120));
        mark.classList.toggle("other", name !== form);
      }
      for (const [key, value] of Object.entries({ x1: point[0], y1: point[1], x2: sample.truth[0], y2: sample.truth[1] }))
        marks.off.setAttribute(key, value);
      drawPath(form, map);
      tell(form, own, map);
      return `${told(point[0])}, ${told(point[1])} px, ${told(far(point, sample.truth))} px off${own.length ? " once calibrated" : ""}.`;
    }

    function drawPath(form, map) {
      const from = shown.path, points = [];
      if (from !== null && page.slides(form))
        for (let amount = -3; amount <= 3; amount += 0.5)
          points.push(map(page.along(form, shown.amounts.map((one, k) => k === from ? amount : one)))
            .map(one => one.toFixed(1)).join(","));
      marks.path.setAttribute("points", points.join(" "));
    }

    function tell(form, own, map) {
      const group = samples[shown.number].group;
      const others = samples.filter((one, k) => one.group === group && !own.includes(k));
      const off = as => told(mean(others.map(one => far(as(one[form]), one.truth))));
      at("live-calibrated").textContent = !own.length ? `No point of ${group} is clicked.`
        : `${own.length} ${own.length === 1 ? "point" : "points"} of ${group}` + (others.length
          ? `: on the other ${others.length === 1 ? "frame" : `${others.length} frames`} ${off(one => one)} px off become ${off(map)} px.` : ": no other frame is left.");
    }

    const figures = (point, truth) => [told(point[0]), told(point[1]), told(far(point, truth))];
    return { draw, take, show, figures, ofTruth: truth => figures(truth, truth), apart: "px", moves: "px" };
  }

  /* Probabilities as bars, the true class marked; of very many classes those that anybody finds likely for this sample. */
  function classes(page) {
    const { samples, shown, names, forms } = page, MOST = 12, LINE = 26, LEFT = 140, WIDTH = 400, ROOM = WIDTH - LEFT - 64;
    const named = page.classes, likely = () => Object.keys(names).filter(form => form === "teacher" || forms[form]);
    let rows = [];

    function probabilities(logits) {
      const most = Math.max(...logits), parts = logits.map(one => Math.exp(one - most)), whole = parts.reduce((a, b) => a + b, 0);
      return parts.map(one => 100 * one / whole);
    }

    const first = values => values.indexOf(Math.max(...values));
    const short = name => name.length > 18 ? `${name.slice(0, 17)}\u2026` : name;

    function take() {
      const sample = samples[shown.number], all = likely().map(form => probabilities(Array.from(sample[form])));
      const order = named.map((_, k) => k).sort((a, b) => Math.max(...all.map(one => one[b])) - Math.max(...all.map(one => one[a])));
      const kept = new Set([sample.truth[0], ...order].slice(0, MOST));
      const scene = at("live-scene");
      scene.setAttribute("viewBox", `0 0 ${WIDTH} ${LINE * kept.size + 6}`);
      rows = [...kept].sort((a, b) => a - b).map((k, line) => {
        const y = LINE * line + 6, right = k === sample.truth[0];
        const bars = Object.fromEntries(likely().map(form => [form, drawn("rect", { class: form })]));
        const figure = drawn("text", { x: WIDTH - 4, y: y + 14, "text-anchor": "end" });
        const name = drawn("text", { x: LEFT - 8, y: y + 14, "text-anchor": "end", class: right ? "right" : "" }, short(named[k]));
        return { k, y, bars, figure, parts: [name, ...Object.values(bars).reverse(), figure] };
      });
      scene.replaceChildren(...rows.flatMap(one => one.parts));
    }

    function show(form, sample) {
      const found = Object.fromEntries(likely().map(name => [name, probabilities(Array.from(shown.points[name] ?? sample[name]))]));
      for (const { k, y, bars, figure } of rows) {
        for (const [name, bar] of Object.entries(bars)) {
          const chosen = name === form, at = ROOM * found[name][k] / 100;
          const box = chosen ? { x: LEFT, y: y + 1, width: Math.max(at, 1), height: 18 } : { x: LEFT + at - 1, y: y - 2, width: 3, height: 24 };
          for (const [key, value] of Object.entries(box)) bar.setAttribute(key, value);
          bar.classList.toggle("other", !chosen);
        }
        figure.textContent = `${told(found[form][k])} %`;
      }
      const best = first(found[form]);
      return `${named[best]}, ${told(found[form][best])} % sure, which is ${best === sample.truth[0] ? "right" : "wrong"}.`;
    }

    const figures = (logits, [truth]) => {
      const found = probabilities(Array.from(logits)), best = first(found);
      return [named[best], told(found[best]), told(found[truth])];
    };
    return { draw() {}, take, show, figures, ofTruth: ([truth]) => [named[truth], "", ""], apart: "in an output", moves: "points" };
  }

  /* A value on a line that holds all that is predicted and true of the samples. */
  function value(page) {
    const { samples, shown, names, forms, live, digits } = page, WIDTH = 400, MARGIN = 30, Y = 44, marks = {};
    const all = samples.flatMap(one => [one.truth, one.teacher, one.float, one.int8 ?? one.float].map(([x]) => x));
    const [low, high] = [Math.min(...all), Math.max(...all)], spare = 0.15 * (high - low) || 1, from = low - spare, to = high + spare;
    const place = x => Math.min(Math.max(MARGIN + (x - from) / (to - from) * (WIDTH - 2 * MARGIN), 6), WIDTH - 6);

    function draw() {
      const scene = at("live-scene");
      scene.setAttribute("viewBox", `0 0 ${WIDTH} 84`);
      marks.path = drawn("line", { class: "path" });
      marks.off = drawn("line", { class: "off" });
      marks.truth = drawn("path", { class: "truth" });
      for (const form of Object.keys(names).filter(form => form === "teacher" || forms[form])) marks[form] = drawn("circle", { class: form });
      scene.append(drawn("line", { class: "axis", x1: MARGIN, x2: WIDTH - MARGIN, y1: Y, y2: Y }), marks.path, marks.off, marks.truth,
        ...Object.keys(names).map(form => marks[form]).filter(Boolean).reverse(),
        ...[low, (low + high) / 2, high].map(x => drawn("text", { x: place(x), y: Y + 30, "text-anchor": "middle" }, `${told(x, digits)} ${live.unit}`)));
    }

    function take() {
      marks.truth.setAttribute("d", `M${place(samples[shown.number].truth[0])} ${Y - 14}v28`);
    }

    function show(form, sample) {
      const [x] = shown.points[form], [truth] = sample.truth;
      for (const [name, mark] of Object.entries(marks).filter(([name]) => names[name])) {
        mark.setAttribute("cx", place((name === form ? [x] : shown.points[name] ?? sample[name])[0]));
        mark.setAttribute("cy", name === form ? Y : Y - 18);
        mark.setAttribute("r", name === form ? 7 : 4);
        mark.classList.toggle("other", name !== form);
      }
      for (const [key, at] of Object.entries({ x1: place(x), x2: place(truth), y1: Y, y2: Y })) marks.off.setAttribute(key, at);
      const ends = shown.path === null || !page.slides(form) ? [] : [-3, 3].map(amount =>
        place(page.along(form, shown.amounts.map((one, k) => k === shown.path ? amount : one))[0]));
      for (const [key, at] of Object.entries({ x1: ends[0] ?? 0, x2: ends[1] ?? 0, y1: Y + 12, y2: Y + 12 })) marks.path.setAttribute(key, at);
      return `${told(x, digits)} ${live.unit}, ${told(Math.abs(x - truth), digits)} ${live.unit} off.`;
    }

    const figures = ([x], [truth]) => [told(x, digits), told(Math.abs(x - truth), digits)];
    return { draw, take, show, figures, ofTruth: truth => figures(truth, truth), apart: live.unit, moves: live.unit };
  }

  return { at, drawn, made, told, gaze, class: classes, value };
})();
